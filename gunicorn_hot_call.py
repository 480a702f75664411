"""`GET /v1/session` as the BFF sends it: from its bytes to a WSGI call, and from the answer to bytes.

The table (gunicorn_plain_get.py) knows only the lines that our own client writes
(frontend_site/backend/client.py). gunicorn's general way costs a third of what the whole call costs.
"""

import io
import sys
from collections.abc import Callable
from typing import Any

from gunicorn_answers import http_date
from gunicorn_plain_get import header_table, read_plain_get

_PATH = "/v1/session"
_TABLE = header_table(
    "Host", "Authorization", "Accept-Encoding", "Gatehouse-Client-Address",
    "Gatehouse-Client-User-Agent", "X-Request-Id", "Cookie",
)  # fmt: skip
_ALWAYS = {
    "wsgi.version": (1, 0), "wsgi.url_scheme": "http", "wsgi.errors": sys.stderr,
    "wsgi.multithread": True, "wsgi.multiprocess": True, "wsgi.run_once": False,
}  # fmt: skip


def environ_of(
    head: bytes, *, client: tuple[str, int], server: tuple[str, int]
) -> dict[str, Any] | None:
    """Return the WSGI environment of a request whose whole head is `head`; None when it is not ours."""
    said = read_plain_get(head, _TABLE)
    if said is None or said["PATH_INFO"] != _PATH:
        return None
    return {
        **_ALWAYS,
        **said,
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "wsgi.input": io.BytesIO(),
    }


def answer_of(application: Callable[..., Any], environ: dict[str, Any]) -> bytes:
    """Call the application and return its answer as it goes out.

    Raises ValueError when a header would not be one line, and whatever the application raises.
    """
    started: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], _: Any = None) -> None:
        started[:] = status, headers

    body = application(environ, start_response)
    try:
        content = b"".join(body)
    finally:
        body.close()
    status, headers = started
    lines = [f"HTTP/1.1 {status}", f"Date: {http_date()}"]
    lines += [f"{name}: {value}" for name, value in headers]
    head = "\r\n".join(lines)
    if head.count("\n") != len(lines) - 1 or head.count("\r") != len(lines) - 1:
        raise ValueError("a line break in a header")
    return head.encode("latin-1") + b"\r\n\r\n" + content

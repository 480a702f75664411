"""`GET /v1/session` as the BFF sends it: from its bytes to a WSGI call, and from the answer to bytes.

A table, not a parser. It knows the lines that our own client writes (frontend_site/auth_client.py); a
request with anything else in it (another header, one twice, an odd byte) is gunicorn's, with all the
rules that HTTP has. gunicorn's general way costs a third of what the whole call costs.
"""

import io
import re
import sys
import time
from collections.abc import Callable
from email.utils import formatdate
from functools import lru_cache
from typing import Any

_REQUEST = re.compile(r"GET (/v1/session)(?:\?([!-~]*))? HTTP/1\.1")
_LINES = re.compile(
    rb"(?:[ -~]+\r\n)+\r\n"
)  # no control characters, none beyond ASCII, no other line ends
_HEADERS = {
    name: "HTTP_" + name.upper().replace("-", "_")
    for name in (
        "Host", "Authorization", "Accept-Encoding", "Gatehouse-Client-Address",
        "Gatehouse-Client-User-Agent", "X-Request-Id", "Cookie",
    )
}  # fmt: skip
_ALWAYS = {
    "REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.version": (1, 0),
    "wsgi.url_scheme": "http", "wsgi.errors": sys.stderr, "wsgi.multithread": True,
    "wsgi.multiprocess": True, "wsgi.run_once": False,
}  # fmt: skip


def environ_of(
    head: bytes, *, client: tuple[str, int], server: tuple[str, int]
) -> dict[str, Any] | None:
    """Return the WSGI environment of a request whose whole head is `head`; None when it is not ours."""
    if not _LINES.fullmatch(head):
        return None
    first, *lines = head[:-4].decode("ascii").split("\r\n")
    request = _REQUEST.fullmatch(first)
    if request is None:
        return None
    environ: dict[str, Any] = {
        **_ALWAYS,
        "PATH_INFO": request[1],
        "QUERY_STRING": request[2] or "",
        "RAW_URI": first[4:-9],
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "wsgi.input": io.BytesIO(),
    }
    for line in lines:
        name, colon, value = line.partition(":")
        key = _HEADERS.get(name)
        if not colon or key is None or key in environ:
            return None
        environ[key] = value.strip(" ")
    return environ


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
    lines = [f"HTTP/1.1 {status}", f"Date: {_date(int(time.time()))}"]
    lines += [f"{name}: {value}" for name, value in headers]
    head = "\r\n".join(lines)
    if head.count("\n") != len(lines) - 1 or head.count("\r") != len(lines) - 1:
        raise ValueError("a line break in a header")
    return head.encode("latin-1") + b"\r\n\r\n" + content


@lru_cache(maxsize=1)
def _date(now: int) -> str:
    return formatdate(now, usegmt=True)  # RFC 9110, 6.6.1

"""What gunicorn itself refuses (no HTTP, too long, odd codings) before Django sees it: our headers, no echo.

gunicorn writes these answers with `gunicorn.util.write_error`: HTML without a security header, with a
part of the request in it; and it logs that part, in which a token may stand. It has no setting for
either, so a worker calls `speak_as_we_do()` when it starts.
"""

import json
import logging
from typing import Any

from gunicorn import util

_HEADERS = {
    "Connection": "close",
    "Content-Type": "application/problem+json",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def speak_as_we_do() -> None:
    """Replace how this process answers and logs what it refuses."""
    util.write_error = _write_refusal
    logging.getLogger("gunicorn.error").addFilter(_without_the_request)


def _write_refusal(sock: Any, status: int, reason: str, _detail: str) -> None:
    """Send a problem document (RFC 9457; about:blank: the status says it all)."""
    body = json.dumps({"type": "about:blank", "title": reason, "status": status}).encode()
    lines = [f"HTTP/1.1 {status} {reason}", *(f"{n}: {v}" for n, v in _HEADERS.items())]
    head = "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""])
    util.write_nonblock(sock, head.encode("latin-1") + body)


def _without_the_request(record: logging.LogRecord) -> bool:
    """Take the request out of a line about it."""
    text = str(record.msg)
    if text.startswith("Invalid request from ip="):
        record.msg, record.args = "Refused: no HTTP request that we take", ()
    elif text.startswith("Error handling request"):
        record.msg, record.args = "Error handling request", ()
    return True

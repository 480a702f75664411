"""The body of a request with a limit of the time that the client may take for it."""

import errno
import time
from collections.abc import Callable
from typing import Any

import gevent

from .sockets import ClientSocket, TLSClientSocket

_SECONDS = 10.0  # for the whole of a body that the site reads itself (64 KiB at most)
_SLOWEST = 1024  # bytes a second, of a body that may be long


class TimedBody:
    """In place of gunicorn's wsgi.input.

    `length` in bytes, None when it comes in chunks. A read raises TimeoutError when the client is
    too slow, ConnectionResetError when it ends too early: half a form must not look whole.
    """

    def __init__(self, source: Any, sock: Any, length: int | None) -> None:
        self._source, self._socket, self._left = source, sock, length
        self._seconds = _SECONDS
        self._earned = 0.0  # seconds for each byte

    def may_be_long(self, seconds: float) -> None:
        """Allow `seconds`, and one more for each KiB; time in which nobody reads does not count."""
        self._seconds = seconds
        self._earned = 1 / _SLOWEST

    def read(self, size: int = -1) -> bytes:
        """Return `size` bytes, fewer at the end; all that is left without `size`."""
        left = self._left
        data = self._timed(self._source.read, size)
        if left is not None and len(data) < (left if size < 0 else min(size, left)):
            raise ConnectionResetError(errno.ECONNRESET, "the body is incomplete")
        return data

    def readline(self, size: int = -1) -> bytes:
        """Return one line, or `size` bytes of it."""
        return self._timed(self._source.readline, size)

    def _timed(self, read: Callable[[int], bytes], size: int) -> bytes:
        began = time.monotonic()
        limit = max(self._seconds + max(size, 0) * self._earned, 0)
        with self._socket.waiting(), gevent.Timeout(limit, TimeoutError("the body is too slow")):
            data = read(size)
        self._seconds += len(data) * self._earned - (time.monotonic() - began)
        if self._left is not None:
            self._left -= len(data)
        return data


def limit_body(environ: dict[str, Any]) -> None:
    """Put a TimedBody into a WSGI environment, if it comes from our worker and has a body."""
    sock = environ.get("gunicorn.socket")
    if not isinstance(sock, (ClientSocket, TLSClientSocket)):
        return
    in_chunks = "HTTP_TRANSFER_ENCODING" in environ
    length = None if in_chunks else int(environ.get("CONTENT_LENGTH") or 0)
    if length != 0:
        environ["wsgi.input"] = TimedBody(environ["wsgi.input"], sock, length)

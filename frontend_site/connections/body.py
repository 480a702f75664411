"""The body of a request: it comes in time and whole, or not at all."""

import errno
from collections.abc import Callable
from typing import Any

from .pace import Pace
from .sockets import ClientSocket, TLSClientSocket


class TimedBody:
    """In place of gunicorn's wsgi.input.

    `length` in bytes, None when it comes in chunks. A read raises TimeoutError when the client is
    too slow, ConnectionResetError when it ends too early: half a form must not look whole.
    """

    def __init__(
        self, source: Any, sock: ClientSocket | TLSClientSocket, length: int | None
    ) -> None:
        self._source, self._socket, self._left = source, sock, length
        self.pace = Pace()

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
        with self._socket.waiting(self.pace):
            data = read(size)
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

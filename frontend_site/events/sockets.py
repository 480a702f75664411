"""Detects that the browser has closed its stream, which WSGI does not show."""

import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import gevent
from gevent.socket import socket as GreenSocket

_READ = 1


class BrowserSocket:
    """Knows when the browser closes, which a server that only writes learns two writes later.

    A user who clicks through pages would leave one dead stream a page behind. On another server
    than gunicorn's gevent worker it knows nothing, and the two writes have to do.
    """

    def __init__(self, environ: Mapping[str, Any]) -> None:
        sock = environ.get("gunicorn.socket")
        self._socket = sock if isinstance(sock, GreenSocket) else None
        self._watcher: Any = None

    def when_closed(self, tell: Callable[[], None]) -> None:
        """Call `tell` once, when the browser closes (or says anything: it has nothing to say)."""
        if self._socket is None:
            return

        def readable() -> None:
            self._watcher.stop()
            tell()

        self._watcher = gevent.get_hub().loop.io(self._socket.fileno(), _READ)
        self._watcher.start(readable)

    def release(self, *, hang_up: bool) -> None:
        """Stop watching. `hang_up`: no further request is read from this connection."""
        if self._watcher is not None:
            self._watcher.stop()
            self._watcher.close()
            self._watcher = None
        if hang_up and self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RD)

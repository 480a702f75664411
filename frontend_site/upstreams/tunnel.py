"""Copies the bytes of an open WebSocket between browser and service. Frames are not parsed."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import gevent

from frontend_site.transport.wire import PIECE, Wire

from .body import FairShare


class Tunnel:
    """One open WebSocket. Holds one piece (64 KiB at most) for each direction, and only while it is sent.

    `patience`: the longest wait, in seconds, for a browser that does not read; `service` has its own.
    `first`: what the service sent with its handshake. `tell` is called when one side closes or does not
    read; `ended` says why then.
    """

    def __init__(
        self,
        browser: Any,
        service: Wire,
        first: bytes,
        *,
        patience: float,
        tell: Callable[[], None],
    ) -> None:
        self.ended = ""
        self._first = first
        self._patience = patience
        self._browser, self._service = browser, service
        self._tell = tell
        self._active = time.monotonic()
        self._copying: list[gevent.Greenlet] = []

    @property
    def silent_for(self) -> float:
        """Seconds since the last byte, in either direction."""
        return time.monotonic() - self._active

    def start(self) -> None:
        """Copy until `stop`."""
        service, browser = self._service, self._browser
        browser.settimeout(self._patience)
        down = partial(self._copy, service.receive, browser.sendall, "service", self._first)
        up = partial(self._copy, partial(browser.recv, PIECE), service.sendall, "browser")
        self._copying = [gevent.spawn(down), gevent.spawn(up)]

    def stop(self) -> None:
        """Stop copying and close the connection to the service."""
        gevent.killall(self._copying)
        self._service.close()

    def _copy(
        self,
        receive: Callable[[], bytes],
        send: Callable[[bytes], None],
        sender: str,
        first: bytes = b"",
    ) -> None:
        share = FairShare()
        piece = first or _next(receive)
        try:
            while piece:
                self._active = time.monotonic()
                send(piece)
                share.count(piece)
                share.let_others()
                piece = _next(receive)
        except TimeoutError:
            self._end("not reading")
        except OSError:
            self._end("broken")
        else:
            self._end(f"{sender} closed")

    def _end(self, reason: str) -> None:
        self.ended = self.ended or reason
        self._tell()


def _next(receive: Callable[[], bytes]) -> bytes:
    """Return what has come, b"" at the end. Silence has a limit of its own."""
    while True:
        try:
            return receive()
        except TimeoutError:
            continue

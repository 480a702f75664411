"""The part of the worker class that limits connections, by gunicorn's public methods."""

import logging
import time
from collections import Counter
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from gevent.local import local
from gunicorn import util
from gunicorn.http.errors import ParseException

from gatehouse.gunicorn import refusal

from .admission import Admission, client_of
from .head import HeadDeadline, SlowHead
from .sockets import TLSClientSocket, client_socket

_STALLED = 60  # seconds without an end of one write: the client does not read
_LINGER = 1.0  # seconds in which a refused client can read why
_REPORT = 10.0  # seconds: at most one line of the log in that time
_FULL = refusal(HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": "5"})  # seconds
_SLOW = refusal(HTTPStatus.REQUEST_TIMEOUT)
_log = logging.getLogger("gunicorn.error")


class LimitedConnections:
    """For a worker class. `cfg.keepalive` limits how long a connection may be idle, in seconds (head.py).

    A sixteenth of `worker_connections` is kept for saying no, a quarter is the most that one
    address gets (`peers_are_clients`: no trusted proxy stands in front of this worker).
    """

    peers_are_clients = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        most: int = self.worker_connections  # type: ignore[attr-defined]
        self._spare = max(2, most // 16)
        self._admission = Admission(room=most - self._spare, share=max(1, most // 4))
        self._refusing = 0
        self._report = _Report()
        self._mine = local()

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """Serve one connection, or refuse it."""
        address = client_of(addr) if self.peers_are_clients else None
        if not self._admission.has_room(address):
            self._report.count("refused")
            self._refuse(client)
            return
        sock = client_socket(client)
        sock.address, sock.admission = address, self._admission
        self._mine.socket = sock
        self._admission.admit(sock)
        try:
            if self._is_ready(sock):
                super().handle(listener, sock, addr)  # type: ignore[misc]
        finally:
            self._admission.leave(sock)
            util.close(sock)

    def timeout_ctx(self) -> Any:
        """Limit the wait for the next request: a HeadDeadline."""
        sock = self._mine.socket
        idle: float = self.cfg.keepalive  # type: ignore[attr-defined]
        sock.deadline = HeadDeadline(idle, is_kept=sock.idle)
        return sock.deadline

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> None:
        """Answer one request. Raises StopIteration when the connection is to close."""
        sock.go_on()
        sock.idle, sock.deadline = False, None
        sock.settimeout(_STALLED)
        try:
            super().handle_request(listener_name, req, sock, addr)  # type: ignore[misc]
        except TimeoutError:
            self._report.count("not reading")
            raise StopIteration from None  # how gunicorn's workers say that it is to close
        finally:
            sock.settimeout(None)
            sock.heard = False
            sock.idle = True
            sock.wait()

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer a slow head with 408; an idle connection closes without a word."""
        if not isinstance(exc, SlowHead):
            super().handle_error(req, client, addr, exc)  # type: ignore[misc]
            if isinstance(exc, ParseException):
                self._let_read(client)
        elif client.heard:
            self._report.count("slow")
            with suppress(Exception):
                util.write_nonblock(client, _SLOW)

    def _let_read(self, sock: Any) -> None:
        """Take what else the client has sent: a reset would destroy the answer before it is read."""
        with sock.waiting():
            util.close_graceful(sock, timeout=_LINGER)

    def _is_ready(self, sock: Any) -> bool:
        """Do the TLS handshake, if there is one. Whether it succeeded in time."""
        if not isinstance(sock, TLSClientSocket):
            return True
        try:
            with self.timeout_ctx():
                sock.do_handshake()
        except (OSError, SlowHead):
            self._report.count("without TLS")
            return False
        return True

    def _refuse(self, sock: Any) -> None:
        """Answer 503. While there is room, wait for the client to read it: else a reset may destroy it."""
        if not isinstance(sock, TLSClientSocket):  # which has no TLS yet to say it by
            with suppress(Exception):
                util.write_nonblock(sock, _FULL)
        if isinstance(sock, TLSClientSocket) or self._refusing >= self._spare // 2:
            util.close(sock)
            return
        self._refusing += 1
        try:
            util.close_graceful(sock, timeout=_LINGER)
        finally:
            self._refusing -= 1


class _Report:
    """Logs how many connections were closed and why; a line for each would itself be a flood."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._next = 0.0

    def count(self, why: str) -> None:
        self._counts[why] += 1
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _REPORT
            what = ", ".join(f"{count} {why}" for why, count in self._counts.items())
            _log.warning("Connections closed: %s", what)
            self._counts.clear()

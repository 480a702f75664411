"""A connection with a time limit for every wait."""

import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

from .server import Server

PIECE = 65536  # bytes
_LOOK_UP = 0.25  # seconds between two looks whether waiting has become hopeless
# How it shows that the other side has closed, when something is sent; under TLS there are more ways.
CLOSED = (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError)


@dataclass(frozen=True)
class Patience:
    """How long a call may take, in seconds.

    `connect`: to be connected; `silence`: one wait for the other side; `deadline`: the whole call,
    however the bytes drip, None for one that may last. `is_hopeless` is asked while a call waits for
    an answer, and ends it when it returns True.
    """

    connect: float
    silence: float
    deadline: float | None = None
    is_hopeless: Callable[[], bool] | None = None


class Wire:
    """One connection to a server. A wait that is over raises TimeoutError."""

    def __init__(self, sock: socket.socket) -> None:
        self.opened = time.monotonic()  # seconds
        self._socket = sock
        self._silence = 0.0
        self._until: float | None = None
        self._is_hopeless: Callable[[], bool] | None = None

    def begin_call(self, patience: Patience, until: float | None) -> None:
        """Limit what follows: each wait by `patience`, all of it by `until` (monotonic time)."""
        self._silence = patience.silence
        self._until = until
        self._is_hopeless = patience.is_hopeless

    def sendall(self, data: bytes) -> None:
        """Send all of `data`. http.client calls it by this name."""
        left = memoryview(data)
        while left:
            self._socket.settimeout(self._longest_wait())
            left = left[self._socket.send(left) :]

    def receive(self) -> bytes:
        """Return what has come, at most PIECE bytes; b"" at the end."""
        wait = self._longest_wait()
        if self._is_hopeless is not None:
            until = time.monotonic() + wait
            while wait > _LOOK_UP:
                self._socket.settimeout(_LOOK_UP)
                try:
                    return self._socket.recv(PIECE)
                except TimeoutError:
                    pass
                if self._is_hopeless():
                    raise TimeoutError("gave up waiting for an answer")
                wait = max(0.001, until - time.monotonic())  # 0 would not wait at all
        self._socket.settimeout(wait)
        return self._socket.recv(PIECE)

    def is_quiet(self) -> bool:
        """Whether the server has neither sent anything that nobody asked for nor hung up."""
        self._socket.settimeout(0)
        try:
            self._socket.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except OSError:
            pass
        return False

    def shut_down(self) -> None:
        """End the connection under whoever waits for it."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def _longest_wait(self) -> float:
        wait = self._silence
        if self._until is not None:
            wait = min(wait, self._until - time.monotonic())
            if wait <= 0:
                raise TimeoutError("the call's deadline has passed")
        return wait


def connected(server: Server, timeout: float) -> Wire:
    """Return a new connection, with TLS verified for https. Raises OSError."""
    sock = socket.create_connection((server.host, server.port), timeout)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if server.scheme == "https":
            sock = _tls().wrap_socket(sock, server_hostname=server.host)
    except BaseException:
        sock.close()
        raise
    return Wire(sock)


@cache
def _tls() -> ssl.SSLContext:
    """The system's authorities, or those of SSL_CERT_FILE; the name is checked."""
    return ssl.create_default_context()

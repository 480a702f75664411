"""Client sockets that say when they wait for their client, and can be ended while they do."""

import errno
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from gevent.socket import socket as GreenSocket
from gevent.ssl import SSLSocket

from .admission import Admission
from .head import HeadDeadline
from .pace import Pace


class _Client:
    """Mixed into gevent's sockets. `heard`: the client has sent a part of its next request."""

    address: str | None = None
    admission: Admission | None = None
    heard = False
    idle = False
    deadline: HeadDeadline | None = None
    _pace: Pace | None = None
    _evicted = False

    def recv(self, *args: Any) -> bytes:
        """Receive as usual. Raises ConnectionResetError once evicted."""
        with self._end_when_evicted():
            receive = partial(super().recv, *args)  # type: ignore[misc]
            data: bytes = self._pace.limit(receive) if self._pace else receive()
        if not self.heard and self.deadline is not None:
            self.deadline.begin_head()
        self.heard = True
        return data

    def sendall(self, data: bytes, flags: int = 0) -> None:
        """Send as usual. Raises ConnectionResetError once evicted."""
        with self.waiting(), self._end_when_evicted():
            super().sendall(data, flags)  # type: ignore[misc]

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        """Send a file as usual. Raises ConnectionResetError once evicted."""
        with self.waiting(), self._end_when_evicted():
            sent: int = super().sendfile(file, offset, count)  # type: ignore[misc]
        return sent

    @contextmanager
    def waiting(self, pace: Pace | None = None) -> Iterator[None]:
        """Within it, the worker waits for this client; what it receives has to keep `pace`."""
        self._pace = pace
        self.wait()
        try:
            yield
        finally:
            self._pace = None
            self.go_on()

    def wait(self) -> None:
        if self.admission is not None and not self._evicted:
            self.admission.wait(self)

    def go_on(self) -> None:
        if self.admission is not None:
            self.admission.go_on(self)

    def evict(self) -> None:
        """Shut the connection down; a greenlet that waits for it wakes up."""
        self._evicted = True
        with suppress(OSError):  # the client was faster
            # Not SSLSocket's, which forgets the TLS state under the greenlet that uses it.
            GreenSocket.shutdown(self, socket.SHUT_RDWR)

    @contextmanager
    def _end_when_evicted(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if self._evicted:  # else gevent's EBADF would be logged as a fault
                raise ConnectionResetError(errno.ECONNRESET, "closed to make room") from error
            raise


class ClientSocket(_Client, GreenSocket):  # type: ignore[misc]
    """A connection without TLS."""


class TLSClientSocket(_Client, SSLSocket):  # type: ignore[misc]
    """A connection with TLS."""


class LateHandshake:
    """For gevent's server in place of an SSLContext: leaves the handshake to the worker.

    gevent would wait for it without a limit, before the worker knows of the connection.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        context.sslsocket_class = TLSClientSocket
        self._context = context

    def wrap_socket(self, sock: socket.socket, *, server_side: bool) -> ssl.SSLSocket:
        """Return a TLSClientSocket that has yet to do its handshake."""
        return self._context.wrap_socket(
            sock, server_side=server_side, do_handshake_on_connect=False
        )


def client_socket(accepted: Any) -> Any:
    """Return `accepted` as one of the two."""
    if isinstance(accepted, TLSClientSocket):
        return accepted
    family, kind, proto = accepted.family, accepted.type, accepted.proto
    return ClientSocket(family, kind, proto, fileno=accepted.detach())

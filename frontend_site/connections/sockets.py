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
        if self.heard and self.deadline is not None:
            self.deadline.begin_head()  # most heads come in one piece, and need no time of their own
        receive = super().recv  # type: ignore[misc]
        try:
            data: bytes = (
                self._pace.limit(partial(receive, *args)) if self._pace else receive(*args)
            )
        except OSError as error:
            self._end_if_evicted(error)
            raise
        self.heard = True
        return data

    def sendall(self, data: bytes, flags: int = 0) -> None:
        """Send as usual. Raises ConnectionResetError once evicted."""
        self.wait()
        try:
            super().sendall(data, flags)  # type: ignore[misc]
        except OSError as error:
            self._end_if_evicted(error)
            raise
        finally:
            self.go_on()

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        """Send a file as usual. Raises ConnectionResetError once evicted."""
        self.wait()
        try:
            sent: int = super().sendfile(file, offset, count)  # type: ignore[misc]
        except OSError as error:
            self._end_if_evicted(error)
            raise
        finally:
            self.go_on()
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

    def _end_if_evicted(self, error: OSError) -> None:
        if self._evicted:  # else gevent's EBADF would be logged as a fault
            raise ConnectionResetError(errno.ECONNRESET, "closed to make room") from error


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

"""One address in front of servers, as a cloud's endpoint or a Kubernetes service is."""

import socket
import threading
from contextlib import suppress


class Relay:
    """Forwards connections to the local port `target`, which may change. A context manager.

    Existing connections keep their server: their clients do not notice the change.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:  # the server is down
                client.close()
                continue
            self._open += (client, server)
            for one, other in ((client, server), (server, client)):
                threading.Thread(target=_pass_on, args=(one, other), daemon=True).start()

    def __enter__(self) -> "Relay":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def cut(self) -> None:
        """Close every connection; new ones go to `target`."""
        connections, self._open = self._open, []
        for one in connections:
            _close(one)

    def __exit__(self, *_: object) -> None:
        _close(self._listener)
        self.cut()


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
    _close(other)


def _close(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()

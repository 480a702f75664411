"""A client that sends one byte after the other."""

import socket
import threading
from contextlib import closing, suppress

_PAUSE = 0.3  # seconds between two bytes
_PATIENCE = 120  # seconds


class Dripping:
    """A connection that sends `data`, then single bytes until the server closes it."""

    def __init__(self, port: int, data: bytes) -> None:
        self._received = b""
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=_PAUSE)
        self._socket.sendall(data)
        self._thread = threading.Thread(target=self._drip, daemon=True)
        self._thread.start()

    def until_closed(self) -> bytes:
        """What it had received when the server closed it."""
        self._thread.join(_PATIENCE)
        assert not self._thread.is_alive(), "the server still waits for it"
        return self._received

    def _drip(self) -> None:
        with closing(self._socket), suppress(ConnectionError):
            while data := self._receive_or_drip():
                self._received += data

    def _receive_or_drip(self) -> bytes:
        while True:
            try:
                return self._socket.recv(65536)
            except TimeoutError:
                self._socket.sendall(b"a")

"""A transport with a deadline for the whole call.

A socket's timeout is about one silence: a peer that sends a byte each second never trips it. Here
every read is given only what is left until the deadline, headers and body alike.
"""

import io
import socket
import time
from http.client import HTTPResponse
from typing import Any

import urllib3
from requests.adapters import HTTPAdapter


class _DeadlineReader(io.RawIOBase):
    """Reads a socket; each read has `patience` seconds, and all of them together end at `until`."""

    def __init__(self, sock: socket.socket, patience: float, until: float) -> None:
        self._sock = sock
        self._patience = patience
        self._until = until
        self._raw = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the call's deadline has passed")
        self._sock.settimeout(min(self._patience, left))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


def deadline_adapter(*, deadline: float, patience: float, pool_size: int) -> HTTPAdapter:
    """Return a keep-alive adapter, no retries, whose calls end `deadline` seconds after sending.

    `patience`: longest silence, seconds. Late answers raise like any read timeout.
    """

    class Response(HTTPResponse):
        def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
            super().__init__(sock, *args, **options)
            self.fp.close()
            until = time.monotonic() + deadline
            self.fp = io.BufferedReader(_DeadlineReader(sock, patience, until))

    class Http(urllib3.connection.HTTPConnection):
        response_class = Response

    class Https(urllib3.connection.HTTPSConnection):
        response_class = Response

    class HttpPool(urllib3.HTTPConnectionPool):
        ConnectionCls = Http

    class HttpsPool(urllib3.HTTPSConnectionPool):
        ConnectionCls = Https

    adapter = HTTPAdapter(pool_connections=1, pool_maxsize=pool_size, max_retries=0)
    adapter.poolmanager.pool_classes_by_scheme = {"http": HttpPool, "https": HttpsPool}
    return adapter

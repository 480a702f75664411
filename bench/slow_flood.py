"""Slow clients, in a process of their own.

Usage: .venv/bin/python -m bench.slow_flood PORT COUNT    (prints `ready` when all have been opened once)

COUNT connections with unfinished heads and COUNT with unfinished bodies, from 50 addresses of loopback. Each
sends a byte every 10 s, and comes back 10 s after it was closed: the tool slowloris takes 15 for both.
"""

import heapq
import itertools
import os
import resource
import select
import socket
import sys
import time
from contextlib import suppress

import requests

ADDRESSES = 50
_PACE = 0.001  # seconds between two that are opened
_DRIP = 10.0  # seconds
_BACK = 10.0  # seconds
_BIND_ADDRESS_NO_PORT = 24  # of Linux: the port is chosen when it connects
_HEAD = "GET /login HTTP/1.1\r\nHost: localhost\r\nX-Slow: "


def main() -> None:
    port, count = int(sys.argv[1]), int(sys.argv[2])
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4 * count + 100), hard))
    os.nice(5)  # the service under test gets the processor first
    _Flood(port, (_HEAD.encode(), _begun_login(port).encode()), 2 * count).run()


def _begun_login(port: int) -> str:
    """The head of a sign-in with a valid anonymous token, and one byte of its body."""
    answer = requests.get(
        f"http://127.0.0.1:{port}/api/auth/csrf", headers={"Host": "localhost"}, timeout=10
    )
    token = answer.json()["csrfToken"]
    lines = ["POST /api/auth/login HTTP/1.1", "Host: localhost", "Sec-Fetch-Site: same-origin"]
    lines += [f"Cookie: __Host-csrf={token}", f"X-CSRF-Token: {token}"]
    lines += ["Content-Type: application/json", "Content-Length: 60000"]
    return "\r\n".join([*lines, "", "{"])


class _Flood:
    """The connections: number n comes from address n modulo 50, and every other one has a body."""

    def __init__(self, port: int, openings: tuple[bytes, bytes], count: int) -> None:
        self._port, self._openings, self._count = port, openings, count
        self._events = select.epoll()
        self._sockets: dict[int, tuple[socket.socket, int]] = {}
        self._turns = itertools.count()
        self._due: list[
            tuple[float, int, int, int]
        ] = []  # when, turn, number, file descriptor or 0

    def run(self) -> None:
        start = time.monotonic()
        for number in range(self._count):
            self._plan(start + number * _PACE, number)
        told = False
        while True:
            self._do_what_is_due()
            for descriptor, event in self._events.poll(0.02):
                self._handle(descriptor, event)
            if not told and time.monotonic() > start + self._count * _PACE + 2:
                print("ready", flush=True)
                told = True

    def _plan(self, when: float, number: int, descriptor: int = 0) -> None:
        heapq.heappush(self._due, (when, next(self._turns), number, descriptor))

    def _do_what_is_due(self) -> None:
        now = time.monotonic()
        while self._due and self._due[0][0] <= now:
            _, _, number, descriptor = heapq.heappop(self._due)
            if not descriptor:
                self._open(number)
            elif self._sockets.get(descriptor, (None, -1))[1] == number:
                with suppress(OSError):
                    self._sockets[descriptor][0].send(b"a")
                self._plan(now + _DRIP, number, descriptor)

    def _open(self, number: int) -> None:
        sock = socket.socket()
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
        sock.bind((f"127.0.0.{2 + number % ADDRESSES}", 0))
        sock.connect_ex(("127.0.0.1", self._port))
        self._sockets[sock.fileno()] = sock, number
        self._events.register(sock.fileno(), select.EPOLLOUT | select.EPOLLIN)

    def _handle(self, descriptor: int, event: int) -> None:
        sock, number = self._sockets[descriptor]
        try:
            if event & (select.EPOLLIN | select.EPOLLERR | select.EPOLLHUP):
                if sock.recv(4096):  # what it is told does not matter
                    return
                raise ConnectionResetError
            sock.send(self._openings[number // ADDRESSES % 2])
            self._events.modify(descriptor, select.EPOLLIN)
            self._plan(time.monotonic() + _DRIP, number, descriptor)
        except OSError:
            self._events.unregister(descriptor)
            del self._sockets[descriptor]
            sock.close()
            self._plan(time.monotonic() + _BACK, number)


if __name__ == "__main__":
    main()

"""A server that answers each caller with their own name, and once does what a test says."""

import json
import re
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO

PLANTED = b"planted for the next user"


@dataclass(frozen=True)
class Asked:
    """One request: its connection's number, method and who asks (Authorization, or X-Request-Id)."""

    connection: int
    method: str
    who: str


Trick = Callable[[socket.socket, bytes], None]  # given the connection and the honest answer


def answer(who: str, *lines: str) -> bytes:
    """An honest answer."""
    body = json.dumps({"who": who}).encode()
    head = ["HTTP/1.1 200 OK", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*head, *lines]).encode() + b"\r\n\r\n" + body


def planted() -> bytes:
    """An answer that nobody asked for."""
    return answer(PLANTED.decode())


class Reset(Exception):
    """Raised by a trick: close the connection, then set the event that it has."""


class Planter:
    """`asked` has what arrived. The next of `tricks` answers in place of honesty."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.tricks: deque[Trick] = deque()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._connections: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def say(self, data: bytes) -> None:
        """Send `data` by the newest connection, unasked."""
        self._connections[-1].sendall(data)

    def hang_up(self) -> None:
        self._connections[-1].shutdown(socket.SHUT_RDWR)

    def reset(self) -> None:
        """Forget what was asked; end every connection."""
        self.tricks.clear()
        for sock in self._connections:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        self._connections.clear()
        self.asked.clear()

    def stop(self) -> None:
        self.reset()
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self._connections.append(sock)
                threading.Thread(target=self._serve_until_reset, args=(sock,), daemon=True).start()

    def _serve_until_reset(self, sock: socket.socket) -> None:
        try:
            self._serve(sock)
        except Reset as reset:
            reset.args[0].set()

    def _serve(self, sock: socket.socket) -> None:
        with suppress(OSError), sock, sock.makefile("rb") as stream:
            number = sock.getpeername()[1]
            while head := _head(stream):
                length = re.search(rb"(?i)^content-length: (\d+)", head, re.MULTILINE)
                stream.read(int(length[1]) if length else 0)
                asked = _read(number, head.decode("latin-1"))
                self.asked.append(asked)
                honest = answer(asked.who)
                if asked.method == "HEAD":
                    honest = honest.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
                trick = self.tricks.popleft() if self.tricks else socket.socket.sendall
                trick(sock, honest)


def _head(stream: IO[bytes]) -> bytes:
    """Return a request's lines; b"" when there is no further request."""
    lines = []
    while (line := stream.readline()) not in (b"\r\n", b""):
        lines.append(line)
    return b"".join(lines) if line else b""


def _read(number: int, head: str) -> Asked:
    names = re.findall(r"(?im)^(authorization|x-request-id): (.*)\r$", head)
    who = {name.lower(): value for name, value in names}
    bearer = who.get("authorization", "").removeprefix("Bearer ")
    own = (
        who["x-request-id"] if bearer.startswith("v1.") else bearer
    )  # auth_api's, or an upstream's
    return Asked(number, head.partition(" ")[0], own)


@contextmanager
def running_planter() -> Iterator[Planter]:
    planter = Planter()
    try:
        yield planter
    finally:
        planter.stop()


# -- tricks


def send(data: bytes) -> Trick:
    """Send `data` in place of the answer; the connection stays open."""
    return lambda sock, honest: sock.sendall(data)


def add(surplus: bytes) -> Trick:
    """The honest answer, and `surplus` behind it in the same segment."""
    return lambda sock, honest: sock.sendall(honest + surplus)


def with_line(line: str, *, then: bytes) -> Trick:
    """The honest answer with one more header line, and `then` behind it."""

    def trick(sock: socket.socket, honest: bytes) -> None:
        sock.sendall(honest.replace(b"\r\n\r\n", f"\r\n{line}\r\n\r\n".encode(), 1) + then)

    return trick


def half(*, close: bool) -> Trick:
    """Half of the honest answer's body."""

    def trick(sock: socket.socket, honest: bytes) -> None:
        sock.sendall(honest[:-5])
        if close:
            sock.shutdown(socket.SHUT_RDWR)

    return trick


def reset_after(planted: bytes, go: threading.Event, gone: threading.Event) -> Trick:
    """The honest answer; after `go`, `planted` and a reset of the connection, then `gone` is set."""

    def trick(sock: socket.socket, honest: bytes) -> None:
        sock.sendall(honest)
        go.wait(60)
        sock.sendall(planted)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.shutdown(socket.SHUT_RD)
        raise Reset(gone)

    return trick


def hang_up(sock: socket.socket, honest: bytes) -> None:
    """Close without a word."""
    sock.shutdown(socket.SHUT_RDWR)

"""One connection for many requests, on the real gunicorn: each answer belongs to its own request."""

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.frontend_site.server import Server
from tests.frontend_site.stub import TOKEN, Stub


class Kept:
    """One connection that stays open."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=15)
        self._received = b""

    def send(self, method: str, path: str, *lines: str, body: bytes = b"") -> None:
        head = [f"{method} {path} HTTP/1.1", "Host: localhost", *lines]
        head += [f"Content-Length: {len(body)}"] if body else []
        self.socket.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + body)

    def answer(self) -> tuple[int, bytes]:
        """Status and body of the next answer, which must say how long it is."""
        while b"\r\n\r\n" not in self._received:
            self._received += self._more()
        head, _, rest = self._received.partition(b"\r\n\r\n")
        [length] = [
            int(line.partition(b":")[2])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        ]
        while len(rest) < length:
            rest += self._more()
        self._received = rest[length:]
        return int(head.split(b" ")[1]), rest[:length]

    def _more(self) -> bytes:
        data = self.socket.recv(65536)
        assert data, "closed"
        return data


@pytest.fixture
def kept(server: Server) -> Iterator[Kept]:
    made = Kept(server.port)
    with closing(made.socket):
        yield made


COOKIE = f"Cookie: __Host-session={TOKEN}"


def test_requests_of_all_kinds_take_turns_on_one_connection(kept: Kept, stub: Stub) -> None:
    for _ in range(3):
        kept.send("GET", "/account", COOKIE)
        status, body = kept.answer()
        assert (status, b"Ada Lovelace" in body) == (200, True)
        kept.send(
            "POST", "/login", "Content-Type: application/json", body=b"GET / HTTP/1.1\r\n\r\n"
        )
        assert kept.answer()[0] == 415
        kept.send("GET", "/login", "X-Odd: 1")
        assert kept.answer()[0] == 200
        kept.send("GET", "/static/frontend_site/site.css")
        status, body = kept.answer()
        assert (status, b"--" in body) == (200, True)
    assert stub.calls == ["GET /v1/session"] * 3


def test_two_requests_at_once_are_both_answered(kept: Kept) -> None:
    one = f"GET /account HTTP/1.1\r\nHost: localhost\r\n{COOKIE}\r\n\r\n".encode()
    two = b"GET /login HTTP/1.1\r\nHost: localhost\r\n\r\n"
    kept.socket.sendall(one + two + one)
    pages = [kept.answer()[1] for _ in range(3)]
    assert [b"Ada Lovelace" in page for page in pages] == [True, False, True]


def test_a_request_may_come_in_pieces(kept: Kept) -> None:
    data = f"GET /account HTTP/1.1\r\nHost: localhost\r\n{COOKIE}\r\n\r\n".encode()
    for start in range(0, len(data), 7):
        kept.socket.sendall(data[start : start + 7])
    assert kept.answer()[0] == 200


def test_a_connection_that_is_to_close_is_closed(kept: Kept) -> None:
    kept.send("GET", "/login", "Connection: close")
    assert kept.answer()[0] == 200
    assert kept.socket.recv(1) == b""


def test_a_request_that_names_two_hosts_is_refused(kept: Kept) -> None:
    kept.send("GET", "/login", "Host: another")
    assert kept.answer()[0] == 400

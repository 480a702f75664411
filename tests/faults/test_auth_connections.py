"""Kept connections of auth_api: half a request or a hanging Redis keeps nobody else waiting."""

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.e2e.conftest import EMAIL
from tests.faults.outages import redis_hangs
from tests.processes import JsonClient, Stack, wait_for


class KeptConnection:
    """A raw connection to auth_api that is used again and again, as the BFF's are."""

    def __init__(self, stack: Stack, head: str) -> None:
        self.head = head
        self.socket = socket.create_connection(("127.0.0.1", stack.auth_port), timeout=20)
        self._received = b""

    def send(self, path: str, *, end: str = "\r\n\r\n") -> None:
        self.socket.sendall(f"GET {path} HTTP/1.1\r\n{self.head}{end}".encode())

    def status(self) -> int:
        """Read one whole answer."""
        while b"\r\n\r\n" not in self._received:
            self._read_on()
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        [length] = re.findall(rb"(?i)content-length: (\d+)", head)
        while len(self._received) < int(length):
            self._read_on()
        self._received = self._received[int(length) :]
        return int(head.split(b" ")[1])

    def has_answer(self) -> bool:
        self.socket.setblocking(False)
        try:
            return bool(self.socket.recv(1, socket.MSG_PEEK))
        except BlockingIOError:
            return False
        finally:
            self.socket.settimeout(20)

    def _read_on(self) -> None:
        more = self.socket.recv(65536)
        assert more, "closed"
        self._received += more


@pytest.fixture
def connect(stack: Stack, password: str) -> Iterator[Callable[[], KeptConnection]]:
    """Make connections of a signed-in user that the server has already kept once."""
    client = JsonClient(stack.address)
    assert client.login(EMAIL, password).status_code == 200
    token = stack.manage("service_token").strip()
    lines = ["Host: 127.0.0.1", f"Authorization: Bearer {token}"]
    head = "\r\n".join([*lines, f"Cookie: __Host-session={client.cookies['__Host-session']}"])
    with ExitStack() as made:

        def connect() -> KeptConnection:
            connection = KeptConnection(stack, head)
            made.callback(connection.socket.close)
            for _ in range(2):
                connection.send("/v1/session")
                assert connection.status() == 200
            return connection

        yield connect


@pytest.mark.parametrize(
    ("begun", "rest"), [("", b"\r\n\r\n"), ("\r\nContent-Length: 2\r\n\r\n", b"{}")]
)
def test_half_a_request_holds_nobody_up(
    connect: Callable[[], KeptConnection], begun: str, rest: bytes
) -> None:
    slow, quick = connect(), connect()
    slow.send("/v1/session", end=begun)
    quick.send("/v1/session")
    assert quick.status() == 200
    assert not begun or slow.status() == 200  # answered without its body, which is drained later
    quick.send("/v1/session")
    assert quick.status() == 200
    slow.socket.sendall(rest)
    assert begun or slow.status() == 200
    slow.send("/v1/session")  # nobody gave up waiting for the rest meanwhile
    assert slow.status() == 200


def test_calls_of_all_kinds_take_turns_on_one_connection(
    connect: Callable[[], KeptConnection],
) -> None:
    connection = connect()
    for path in ("/v1/session", "/v1/sessions", "/v1/session?slide=false", "/healthz") * 2:
        connection.send(path)
        assert connection.status() == 200
    connection.send("/v1/session", end="\r\nX-Odd: 1\r\n\r\n")
    assert connection.status() == 200


def test_two_requests_at_once_are_both_answered(connect: Callable[[], KeptConnection]) -> None:
    connection = connect()
    connection.send(
        "/v1/session", end=f"\r\n\r\nGET /v1/session HTTP/1.1\r\n{connection.head}\r\n\r\n"
    )
    assert [connection.status(), connection.status()] == [200, 200]


def test_a_hanging_redis_keeps_nobody_waiting_who_does_not_need_it(
    stack: Stack, connect: Callable[[], KeptConnection]
) -> None:
    first, second, probe = connect(), connect(), connect()
    with redis_hangs(stack):
        first.send("/v1/session")
        assert first.status() == 503
        second.send("/v1/session")
        probe.send("/healthz")
        assert probe.status() == 200
        assert not second.has_answer()  # it still waits for Redis, in a thread
        assert second.status() == 503

    def answered() -> bool:
        first.send("/v1/session")
        return first.status() == 200

    wait_for(answered, "an answer after the outage")

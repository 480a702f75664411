"""A worker with as many connections as it may have, on the real gunicorn."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress

import pytest

from tests.frontend_site.server import Answer, Server, running_site
from tests.frontend_site.stub import TOKEN, Stub, hang
from tests.processes import wait_for

_PATIENCE = 60  # seconds
_ROOM, _SHARE = 45, 12  # of 48 connections, three are for refusals; a quarter for one address
_FLOOD = [f"127.0.0.{number}" for number in (2, 3, 4)]
_PAGE = "GET /login HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture(scope="module")
def small() -> Iterator[Server]:
    """A site with one worker for 48 connections, which keeps idle connections very long."""
    from tests.frontend_site.conftest import _stub

    arguments = ["--worker-connections=48", "--keep-alive=300"]
    with running_site(_stub.url, arguments=arguments) as site:
        assert site.ask("GET", "/healthz").status == 200
        yield site


class Clients:
    """Connections from chosen addresses; closed at the end of the test."""

    def __init__(self, port: int, stack: ExitStack) -> None:
        self._port, self._stack = port, stack

    def open(self, address: str, data: bytes = b"") -> socket.socket:
        sock = socket.create_connection(
            ("127.0.0.1", self._port), _PATIENCE, source_address=(address, 0)
        )
        self._stack.enter_context(closing(sock))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.sendall(data)
        return sock

    def taken(self, address: str, data: bytes = b"") -> socket.socket:
        """Open one, and return once the worker has taken it in; then send `data`."""
        sock = self.open(address, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert sock.recv(65536).startswith(b"HTTP/1.1 200"), "not admitted"
        sock.sendall(data)
        return sock

    def ask(self, address: str) -> Answer:
        """Ask for a page by a connection that is then closed."""
        with closing(self.open(address, (_PAGE + "Connection: close\r\n\r\n").encode())) as sock:
            return Answer(b"".join(iter(lambda: sock.recv(65536), b"")))


@pytest.fixture
def clients(small: Server) -> Iterator[Clients]:
    """Also waits until the worker has forgotten the connections of the last test."""
    with ExitStack() as stack:
        yield Clients(small.port, stack)
    for address in _FLOOD:  # refused as long as one more connection of it is open
        wait_for(lambda a=address: _all_gone(small.port, a), "the flood to be forgotten")


def _all_gone(port: int, address: str) -> bool:
    with ExitStack() as stack, suppress(AssertionError, OSError):
        clients = Clients(port, stack)
        for _ in range(_SHARE):
            clients.taken(address)
        return True
    return False


def is_closed(sock: socket.socket) -> bool:
    """Whether the server has closed it."""
    sock.setblocking(False)
    try:
        return sock.recv(65536) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def fill(clients: Clients, data: bytes) -> list[socket.socket]:
    """Take all the room, for the three addresses and (with less) a fourth; oldest first."""
    flood = [clients.taken(address, data) for _ in range(_SHARE) for address in _FLOOD]
    rest = [clients.taken("127.0.0.5", data) for _ in range(_ROOM - len(flood))]
    return flood + rest


def test_one_address_gets_its_share_and_another_is_served(clients: Clients) -> None:
    held = [clients.taken("127.0.0.2") for _ in range(_SHARE)]
    answer = clients.ask("127.0.0.2")
    assert (answer.status, answer.all("Retry-After")) == (503, ["5"])
    assert answer.all("Content-Type") == ["application/problem+json"]
    assert clients.ask("127.0.0.3").status == 200
    assert not any(is_closed(sock) for sock in held)


def test_one_address_gets_sixteen_unfinished_requests(server: Server) -> None:
    with ExitStack() as stack:
        clients = Clients(server.port, stack)
        for _ in range(17):
            clients.open("127.0.0.2", b"GET /login HTTP/1.1\r\nX-Slow: ")
        wait_for(lambda: clients.ask("127.0.0.2").status == 503, "the address to be refused")
        assert clients.ask("127.0.0.3").status == 200
    wait_for(lambda: clients.ask("127.0.0.2").status == 200, "the address to be served again")


def test_a_proxy_on_this_host_has_no_share(clients: Clients) -> None:
    for _ in range(_SHARE + 1):
        clients.taken("127.0.0.1")
    assert clients.ask("127.0.0.1").status == 200


@pytest.mark.parametrize(
    "data",
    [b"", b"GET / HTTP/1.1\r\nX-Slow: "],
    ids=["idle", "half a head"],
)
def test_a_full_worker_closes_a_connection_of_who_has_most(clients: Clients, data: bytes) -> None:
    held = fill(clients, data)
    assert clients.ask("127.0.0.6").status == 200
    wait_for(lambda: is_closed(held[0]), "the oldest of the flood to be closed")


def test_a_full_worker_closes_slow_bodies(clients: Clients, small: Server, stub: Stub) -> None:
    lines = ["POST /login HTTP/1.1", "Host: localhost", "Content-Length: 9"]
    lines += ["Content-Type: application/x-www-form-urlencoded"]
    fill(clients, "\r\n".join([*lines, "", "a"]).encode())
    for _ in range(5):
        assert clients.ask("127.0.0.6").status == 200


def test_a_full_worker_closes_connections_that_read_nothing(clients: Clients) -> None:
    """Each asks for 18 MB, which fit into no buffer."""
    style = b"GET /static/frontend_site/site.css HTTP/1.1\r\nHost: localhost\r\n\r\n"
    fill(clients, style * 2000)
    wait_for(lambda: clients.ask("127.0.0.6").status == 200, "one of them to be closed")


def test_who_has_most_gets_nothing_more_from_a_full_worker(clients: Clients) -> None:
    held = fill(clients, b"")
    clients.taken("127.0.0.6")  # takes the place of the oldest: 127.0.0.2 has one less
    answer = clients.ask("127.0.0.3")
    assert (answer.status, answer.all("Retry-After")) == (503, ["5"])
    wait_for(lambda: is_closed(held[0]), "the oldest of the flood to be closed")
    assert not any(is_closed(sock) for sock in held[1:])


def test_a_worker_full_of_work_answers_503_at_once(clients: Clients, stub: Stub) -> None:
    """Nothing that is under way is closed."""
    stub.answers["GET /v1/session"] = hang(stub.wake)
    account = f"GET /account HTTP/1.1\r\nHost: localhost\r\nCookie: __Host-session={TOKEN}\r\n"
    busy = [clients.open("127.0.0.1", (account + "\r\n").encode()) for _ in range(_ROOM)]
    wait_for(lambda: stub.calls.count("GET /v1/session") == _ROOM, "all of them to be under way")
    assert clients.ask("127.0.0.6").status == 503
    stub.wake.set()
    assert all(sock.recv(65536).startswith(b"HTTP/1.1 503") for sock in busy)

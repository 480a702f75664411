"""Clients that send slowly, on the real gunicorn: each has a deadline, and then the connection closes."""

import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
import trustme

from tests.frontend_site.dripping import Dripping
from tests.frontend_site.server import Answer, Server, running_site
from tests.frontend_site.stub import Stub

_PATIENCE = 60  # seconds
_FORM = "Content-Type: application/x-www-form-urlencoded"
_JSON = "Content-Type: application/json"


def head(method: str, path: str, *lines: str) -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *lines, "", ""]).encode()


@pytest.fixture(scope="module")
def kept() -> Iterator[Dripping]:
    """A second head that never ends, on a connection that may be idle for an hour, as behind a load balancer."""
    from tests.frontend_site.conftest import _stub

    with running_site(_stub.url, arguments=["--keep-alive=3600"]) as site:
        assert site.ask("GET", "/healthz").status == 200
        yield Dripping(site.port, head("GET", "/healthz"))


@pytest.fixture(scope="module")
def late(server: Server, kept: Dripping) -> dict[str, Dripping]:
    """Bodies that never end, of all kinds, at the same time as `kept`: all wait for about ten seconds."""
    length = "Content-Length: 60000"
    login = [*server.csrf(), _JSON, length]
    requests = {
        "json": head("POST", "/api/auth/login", *login),
        "form": head("POST", "/login", _FORM, length),
        "no token": head("POST", "/api/auth/login", _JSON, length),
        "too long": head("POST", "/login", _FORM, "Content-Length: 600000"),
        "unread": head("POST", "/nowhere", length),
    }
    return {kind: Dripping(server.port, data) for kind, data in requests.items()}


@pytest.mark.parametrize(
    ("kind", "status"),
    [("json", 408), ("form", 408), ("no token", 408), ("too long", 413), ("unread", 404)],
)
def test_a_body_that_never_ends_ends_its_connection(
    late: dict[str, Dripping], stub: Stub, kind: str, status: int
) -> None:
    answer = Answer(late[kind].until_closed())
    assert answer.status == status
    if kind == "json":
        assert answer.all("Content-Type") == ["application/problem+json"]
        assert json.loads(answer.body)["type"] == "urn:gatehouse:problem:request-timeout"
    assert stub.calls == []


def test_the_head_of_a_second_request_has_ten_seconds_however_long_connections_are_kept(
    kept: Dripping,
) -> None:
    first, _, rest = kept.until_closed().partition(b"HTTP/1.1 408")
    assert Answer(first).status == 200
    assert rest


@pytest.mark.parametrize("kind", [_FORM, _JSON])
def test_half_a_body_is_not_taken_for_a_whole_one(server: Server, stub: Stub, kind: str) -> None:
    body = b'{"email": "a@example.com"}' if kind == _JSON else b"email=a@example.com&password=half"
    data = head("POST", "/api/auth/login", *server.csrf(), kind, f"Content-Length: {len(body) + 9}")
    with closing(socket.create_connection(("127.0.0.1", server.port), _PATIENCE)) as sock:
        sock.sendall(data + body)
        sock.shutdown(socket.SHUT_WR)
        answer = Answer(b"".join(iter(lambda: sock.recv(65536), b"")))
    assert answer.status in (400, 415)
    assert stub.calls == []


@pytest.fixture(scope="module", params=["auto", "python"])
def hasty(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A site that waits a second for a head, with each of gunicorn's parsers."""
    from tests.frontend_site.conftest import _stub

    arguments = ["--keep-alive=1", f"--http-parser={request.param}"]
    with running_site(_stub.url, arguments=arguments) as site:
        assert site.ask("GET", "/healthz").status == 200
        yield site


def test_a_head_that_never_ends_is_a_408(hasty: Server) -> None:
    answer = Answer(Dripping(hasty.port, b"GET /login HTTP/1.1\r\nX-Slow: ").until_closed())
    assert (answer.status, json.loads(answer.body)["status"]) == (408, 408)
    assert answer.all("Connection") == ["close"]


def test_a_second_head_has_the_same_deadline(hasty: Server) -> None:
    dripping = Dripping(hasty.port, head("GET", "/healthz"))
    first, _, rest = dripping.until_closed().partition(b"HTTP/1.1 408")
    assert Answer(first).status == 200
    assert rest


@pytest.mark.parametrize("data", [b"", head("GET", "/healthz")], ids=["unused", "idle"])
def test_a_connection_without_a_request_closes_without_a_word(hasty: Server, data: bytes) -> None:
    with closing(socket.create_connection(("127.0.0.1", hasty.port), _PATIENCE)) as sock:
        sock.sendall(data)
        received = b"".join(iter(lambda: sock.recv(65536), b""))
    assert received.count(b"HTTP/1.1") == (1 if data else 0)


def test_a_tls_handshake_has_the_same_deadline(tmp_path: Path, stub: Stub) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    for part in issued.cert_chain_pems:
        part.write_to_path(str(chain), append=True)
    issued.private_key_pem.write_to_path(str(key))
    context = ssl.create_default_context()
    authority.configure_trust(context)
    variables = {"GATEHOUSE_CERTFILE": str(chain), "GATEHOUSE_KEYFILE": str(key)}
    with ExitStack() as stack:
        site = stack.enter_context(
            running_site(stub.url, arguments=["--keep-alive=1"], **variables)
        )
        silent = Dripping(site.port, b"\x16\x03\x01\x02\x00\x01")  # a ClientHello begins
        plain = stack.enter_context(socket.create_connection(("localhost", site.port), _PATIENCE))
        sock = stack.enter_context(context.wrap_socket(plain, server_hostname="localhost"))
        sock.sendall(head("GET", "/healthz", "Connection: close"))
        assert Answer(b"".join(iter(lambda: sock.recv(65536), b""))).status == 200
        assert silent.until_closed() == b""

"""Stolen passwords, asked of a real HTTP server that speaks the range protocol."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from auth_api.options import options
from auth_api.users.passwords import breaches
from tests.auth_api.http import call
from tests.auth_api.logs import logged, names_of

pytestmark = pytest.mark.django_db(transaction=True)

STOLEN = "seventeen herons under glass"
SAFE = "a quiet harbour at dusk"


def digest_of(password: str) -> str:
    return sha1(password.encode(), usedforsecurity=False).hexdigest().upper()


class RangeServer(ThreadingHTTPServer):
    """Knows one stolen password, and pads its answers."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[tuple[str, str]] = []
        self.status = 200
        self.body: bytes | None = None
        self.answering = threading.Event()
        self.answering.set()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    server: RangeServer

    def do_GET(self) -> None:
        self.server.answering.wait(10)
        prefix = self.path.rpartition("/")[2]
        self.server.asked.append((self.path, self.headers["Add-Padding"]))
        digest = digest_of(STOLEN)
        lines = [f"{'0' * 35}:0", f"{'A' * 35}:3"]
        lines += [f"{digest[5:]}:42"] if digest.startswith(prefix) else []
        body = "\r\n".join(lines).encode() if self.server.body is None else self.server.body
        self.send_response(self.server.status)
        self.send_header("Location", "http://127.0.0.1:9/")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture
def service(settings: Any) -> Iterator[RangeServer]:
    server = RangeServer()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    settings.GATEHOUSE = replace(options(), pwned_passwords_url=url)
    yield server
    server.answering.set()
    server.shutdown()
    server.server_close()
    thread.join()


def register(password: str) -> Any:
    return call("POST", "/v1/register", {"email": "ada@example.com", "password": password})


def test_a_stolen_password_is_refused_and_only_five_digits_leave(service: RangeServer) -> None:
    answer = register(STOLEN)
    assert answer.status_code == 400
    assert "data breach" in answer.json()["errors"]["password"][0]
    prefix = digest_of(STOLEN)[:5]
    assert service.asked == [(f"/range/{prefix}", "true")]
    assert register(SAFE).status_code == 202


def test_padding_is_no_match(service: RangeServer) -> None:
    suffix = digest_of(SAFE)[5:]
    service.body = f"{suffix}:0".encode()
    assert register(SAFE).status_code == 202


def test_it_is_off_by_default(service: RangeServer, settings: Any) -> None:
    settings.GATEHOUSE = replace(options(), pwned_passwords_url="")
    assert register(STOLEN).status_code == 202
    assert service.asked == []


@pytest.mark.parametrize(
    ("status", "body"),
    [(503, b""), (302, b""), (404, b"x"), (200, b"\xff\xfe"), (200, b"x" * 300_000)],
)
def test_a_service_that_fails_keeps_nobody_out_and_is_logged(
    service: RangeServer, status: int, body: bytes
) -> None:
    service.status, service.body = status, body
    with logged() as events:
        assert register(STOLEN).status_code == 202
    assert "breach_check.failed" in names_of(events)
    assert STOLEN not in str(events)


def test_a_service_that_hangs_or_is_away_keeps_nobody_out(
    service: RangeServer, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breaches, "TIMEOUT", 0.2)
    service.answering.clear()
    assert register(STOLEN).status_code == 202
    settings.GATEHOUSE = replace(options(), pwned_passwords_url="http://127.0.0.1:9")
    assert register(STOLEN).status_code == 202


BROKEN_BODIES = {
    "truncated": b"Content-Length: 500\r\n\r\n" + b"A" * 35 + b":3\r\n",
    "no gzip": b"Content-Encoding: gzip\r\nContent-Length: 8\r\n\r\nnotgzip!",
    "no chunk": b"Transfer-Encoding: chunked\r\n\r\nzz\r\nxx",
}


@pytest.mark.parametrize("body", BROKEN_BODIES.values(), ids=BROKEN_BODIES)
def test_a_body_that_breaks_keeps_nobody_out(settings: Any, body: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        settings.GATEHOUSE = replace(options(), pwned_passwords_url=url)

        def answer() -> None:
            client, _ = listener.accept()
            with client:
                client.recv(4096)
                client.sendall(b"HTTP/1.1 200 OK\r\n" + body)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        assert register(SAFE).status_code == 202
        thread.join()


def test_a_body_that_trickles_is_left(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaches, "PATIENCE", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        settings.GATEHOUSE = replace(options(), pwned_passwords_url=url)
        left = threading.Event()

        def trickle() -> None:
            client, _ = listener.accept()
            with client:
                client.recv(4096)
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
                try:
                    while True:
                        client.sendall(b"\n")
                        threading.Event().wait(0.05)
                except OSError:
                    left.set()

        threading.Thread(target=trickle, daemon=True).start()
        assert register(SAFE).status_code == 202
        assert left.wait(10)

"""Uploads that are refused, garbled or truncated, on the real gunicorn."""

import socket
import time
from contextlib import closing, suppress
from typing import Any

import pytest

from tests.frontend_site.browser import Browser
from tests.frontend_site.dripping import Dripping
from tests.frontend_site.server import Answer, Server
from tests.frontend_site.stub import NO_SESSION, SESSION_ENDED, STORE_DOWN, Canned, Stub
from tests.frontend_site.upstreams.asking import COOKIE, get, problem_of
from tests.frontend_site.upstreams.service import PIECE, Service
from tests.processes import wait_for

MIB = 1024 * 1024
pytestmark = pytest.mark.usefixtures("signed_in")


def test_a_refusal_before_the_end_of_an_upload_arrives(site: Server, service: Service) -> None:
    """Most of the body has not been sent by then: no buffer on the way is large enough."""
    lines = [*site.csrf(COOKIE), f"Content-Length: {100 * MIB}", "Connection: close"]
    head = ["POST /api/reports/refuse HTTP/1.1", "Host: localhost", *lines]
    with closing(socket.create_connection(("127.0.0.1", site.port), timeout=15)) as sock:
        sock.sendall("\r\n".join(head).encode() + b"\r\n\r\n")
        with suppress(ConnectionError):  # after the answer, the server stops reading
            for _ in range(1600):
                sock.sendall(PIECE)
        answer = Answer(b"".join(iter(lambda: sock.recv(65536), b"")))
    assert (answer.status, answer.body) == (413, b"no")


def test_a_body_over_the_limit_is_refused_unread(site: Server, service: Service) -> None:
    lines = [*site.csrf(COOKIE), f"Content-Length: {200 * MIB}"]
    answer = site.ask("POST", "/api/reports/echo", *lines)
    assert (answer.status, problem_of(answer)) == (413, "payload-too-large")
    assert service.calls == []


@pytest.mark.parametrize(("size", "status"), [(1000, 200), (1001, 413)])
def test_the_limit_itself_is_allowed(
    browser: Browser, reports: Service, options: Any, size: int, status: int
) -> None:
    options(upstream_body_limit=1000)
    answer = browser.sign_in().call("POST", "/api/reports/echo", b"x" * size)
    assert answer.status_code == status
    assert [call.size for call in reports.calls] == ([size] if status == 200 else [])


def test_a_body_in_chunks_is_cut_at_the_limit(site: Server, service: Service) -> None:
    """The length is not announced. The limit is 128 MiB, 2048 pieces."""
    lines = [*site.csrf(COOKIE), "Transfer-Encoding: chunked", "Connection: close"]
    head = ["POST /api/reports/echo HTTP/1.1", "Host: localhost", *lines]
    with closing(socket.create_connection(("127.0.0.1", site.port), timeout=30)) as sock:
        sock.sendall("\r\n".join(head).encode() + b"\r\n\r\n")
        with suppress(ConnectionError):  # the server answers and closes the connection
            for _ in range(2049):
                sock.sendall(f"{len(PIECE):x}\r\n".encode() + PIECE + b"\r\n")
            sock.sendall(b"0\r\n\r\n")
            sock.recv(65536)
    wait_for(lambda: service.calls[0].digest, "the service to be told")
    assert service.calls[0].size <= 128 * MIB


def test_a_garbled_upload_is_a_400(site: Server, service: Service) -> None:
    lines = ["Transfer-Encoding: chunked", *site.csrf(COOKIE)]
    head = ["POST /api/reports/echo HTTP/1.1", "Host: localhost", "Connection: close", *lines]
    answer = site.exchange("\r\n".join(head).encode() + b"\r\n\r\nnonsense\r\n")
    assert answer.status == 400
    wait_for(lambda: len(service.calls) == 1, "the half of it to arrive")


def test_a_body_in_another_coding_is_a_400(site: Server, service: Service) -> None:
    lines = ["Transfer-Encoding: gzip, chunked", *site.csrf(COOKIE)]
    head = ["POST /api/reports/echo HTTP/1.1", "Host: localhost", "Connection: close", *lines]
    assert site.exchange("\r\n".join(head).encode() + b"\r\n\r\n0\r\n\r\n").status == 400
    assert service.calls == []


def test_a_browser_that_stops_sending_gives_its_slot_back(site: Server, service: Service) -> None:
    lines = [*site.csrf(COOKIE), "Content-Length: 1000"]
    assert site.ask("POST", "/api/reports/echo", *lines).status == 408


@pytest.mark.parametrize("framing", ["Content-Length: 1000", "Transfer-Encoding: chunked"])
def test_an_upload_that_ends_early_is_a_400_and_gives_its_slot_back(
    site: Server, service: Service, framing: str
) -> None:
    """The browser has closed its sending side, but still reads. One session has 40 slots."""
    lines = ["POST /api/reports/echo HTTP/1.1", "Host: localhost", *site.csrf(COOKIE), framing]
    for _ in range(41):
        with closing(socket.create_connection(("127.0.0.1", site.port), timeout=15)) as sock:
            sock.sendall("\r\n".join([*lines, "Connection: close"]).encode() + b"\r\n\r\n5\r\n")
            sock.shutdown(socket.SHUT_WR)
            answer = Answer(b"".join(iter(lambda: sock.recv(65536), b"")))
        assert (answer.status, problem_of(answer)) == (400, "invalid-request")
    assert get(site, "/api/reports/echo").status == 200


@pytest.mark.parametrize("ending", [NO_SESSION, SESSION_ENDED])
def test_an_upload_ends_with_the_session(
    browser: Browser, reports: Service, stub: Stub, options: Any, ending: Canned
) -> None:
    """The upstream has the identity token from the start, but never gets the whole body."""
    options(upstream_recheck=0)
    stub.answers["GET /v1/session?slide=false"] = ending
    answer = browser.sign_in().call("POST", "/api/reports/echo", b"x" * 1000)
    assert (answer.status_code, answer.json()["title"]) == (403, "Not allowed")
    assert [call.size for call in reports.calls if call.size] == []
    stub.answers["GET /v1/session?slide=false"] = STORE_DOWN  # unknown is not "no"
    assert browser.call("POST", "/api/reports/echo", b"x" * 1000).status_code == 200


def test_a_slow_upload_is_served_as_long_as_it_moves(site: Server, service: Service) -> None:
    """It takes longer than the longest silence, 2 s; each second brings more than a KiB."""
    lines = [*site.csrf(COOKIE), "Content-Length: 12000", "Connection: close"]
    head = ["POST /api/reports/echo HTTP/1.1", "Host: localhost", *lines]
    with closing(socket.create_connection(("127.0.0.1", site.port), timeout=60)) as sock:
        sock.sendall("\r\n".join(head).encode() + b"\r\n\r\n")
        for _ in range(12):
            time.sleep(0.3)
            sock.sendall(b"x" * 1000)
        answer = Answer(b"".join(iter(lambda: sock.recv(65536), b"")))
    assert answer.status == 200
    assert service.calls[-1].size == 12000


@pytest.mark.parametrize("framing", ["Content-Length: 2000", "Transfer-Encoding: chunked"])
def test_an_upload_that_drips_is_a_408(site: Server, service: Service, framing: str) -> None:
    """No silence is as long as 2 s, but a KiB takes minutes."""
    head = ["POST /api/reports/echo HTTP/1.1", "Host: localhost", *site.csrf(COOKIE), framing]
    begin = b"7d0\r\n" if "chunked" in framing else b""
    drip = Dripping(site.port, "\r\n".join(head).encode() + b"\r\n\r\n" + begin)
    answer = Answer(drip.until_closed())
    assert (answer.status, problem_of(answer)) == (408, "request-timeout")

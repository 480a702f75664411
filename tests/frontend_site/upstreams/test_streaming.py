"""On the real gunicorn: bodies in pieces, trouble on the way, paths as they were sent."""

import os
import re
import socket
import subprocess
import sys
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from tests.frontend_site.server import Answer, Server
from tests.frontend_site.stub import NO_SESSION, STORE_DOWN, Behaviour, Stub, problem
from tests.frontend_site.upstreams.asking import COOKIE, get, open_events, problem_of, read_until
from tests.frontend_site.upstreams.service import PIECE, Service
from tests.processes import ROOT, wait_for

MIB = 1024 * 1024
pytestmark = pytest.mark.usefixtures("signed_in")


# -- paths ------------------------------------------------------------------------------------

OUTSIDE = [
    "/api/reports/../auth/session", "/api/reports/..", "/api/reports/a/../../b", "/api/reports/.",
    "/api/reports/%2e%2e/x", "/api/reports/%2E%2e%2fx", "/api/reports/..%2fx", "/api/reports/a%2fb",
    "/api/reports/a%5cb", "/api/reports/..%5cx", "/api/reports/%252e%252e/x", "/api/reports/a%00b",
    "/api/reports/a%0d%0aX:y", "/api/reports//evil.example/x", "/api/reports/a//b",
    "/api/reports/..;/x", "/api/reports/..;a=b/x", "/api/reports/%2e%2e;/x", "/api/reports/a\\b",
    "/api//reports/x", "//api/reports/x", "/api/./reports/x", "/api/x/../reports/x",
    "/%61pi/reports/x", "/api/%72eports/x", "/api/reports/%", "/api/reports/%zz", "/api/reports/a|b",
    "http://127.0.0.1/api/reports/x", "http://evil.example/api/reports/x", "/api/reports/x#y",
]  # fmt: skip


@pytest.mark.parametrize("path", OUTSIDE)
def test_nobody_walks_out_of_an_upstream(site: Server, service: Service, path: str) -> None:
    assert get(site, path).status in (400, 404)
    assert service.calls == []


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("/api/reports/", "/base/"),
        ("/api/reports/x", "/base/x"),
        ("/api/reports/x/", "/base/x/"),
        ("/api/reports/@evil.example/x", "/base/@evil.example/x"),
        ("/api/reports/a%20b%C3%A9", "/base/a%20b%C3%A9"),
        ("/api/reports/a;v=1,2/b:c", "/base/a;v=1,2/b:c"),
        ("/api/reports/x?next=//evil&a=../..", "/base/x?next=//evil&a=../.."),
        ("/api/reports/...", "/base/..."),
        ("/api/reports/auth", "/base/auth"),
    ],
)
def test_a_path_arrives_as_it_was_sent(
    site: Server, service: Service, path: str, seen: str
) -> None:
    assert get(site, path).status == 200
    assert [call.path for call in service.calls] == [seen]


# -- streams ----------------------------------------------------------------------------------


def peak_memory(site: Server) -> int:
    """The most that any process of the server has ever used, in bytes (Linux)."""
    pids = [p for p in os.listdir("/proc") if p.isdigit() and _parent(p) == site.process.pid]
    return max(_peak(pid) for pid in [*pids, str(site.process.pid)])


def _parent(pid: str) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _peak(pid: str) -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) * 1024 if found else 0


def test_a_hundred_megabytes_down_in_flat_memory(site: Server, service: Service) -> None:
    get(site, "/api/reports/big?1")
    before, seen, size = peak_memory(site), sha256(), 0
    with closing(socket.create_connection(("127.0.0.1", site.port), timeout=30)) as sock:
        request = (
            f"GET /api/reports/big?100 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{COOKIE}"
        )
        sock.sendall(request.encode() + b"\r\n\r\n")
        with sock.makefile("rb") as stream:
            while (line := stream.readline()) != b"\r\n":
                assert line
            while piece := stream.read(MIB):
                size += len(piece)
                seen.update(piece)
    assert size == 100 * MIB
    assert seen.hexdigest() == sha256(PIECE * 1600).hexdigest()
    assert peak_memory(site) - before < 16 * MIB


@pytest.mark.parametrize("chunked", [False, True])
def test_a_hundred_megabytes_up_in_flat_memory(
    site: Server, service: Service, chunked: bool
) -> None:
    before = peak_memory(site)
    with closing(socket.create_connection(("127.0.0.1", site.port), timeout=30)) as sock:
        framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {100 * MIB}"
        lines = ["PUT /api/reports/echo HTTP/1.1", "Host: localhost", "Connection: close", framing]
        sock.sendall("\r\n".join([*lines, *site.csrf(COOKIE)]).encode() + b"\r\n\r\n")
        for _ in range(1600):
            sock.sendall(f"{len(PIECE):x}\r\n".encode() + PIECE + b"\r\n" if chunked else PIECE)
        sock.sendall(b"0\r\n\r\n" if chunked else b"")
        answer = Answer(b"".join(iter(lambda: sock.recv(65536), b"")))
    assert answer.status == 200
    (call,) = service.calls
    assert (call.size, call.digest) == (100 * MIB, sha256(PIECE * 1600).hexdigest())
    assert peak_memory(site) - before < 16 * MIB


def test_events_arrive_when_they_are_sent(site: Server, service: Service) -> None:
    with closing(open_events(site)) as sock:
        assert b"data: two" not in read_until(sock, b"data: one")
        service.go_on.set()
        read_until(sock, b"0\r\n\r\n")


def test_a_stream_ends_with_its_session(site: Server, service: Service, stub: Stub) -> None:
    with closing(open_events(site)) as sock:
        read_until(sock, b"data: one")
        stub.answers["GET /v1/session?slide=false"] = NO_SESSION
        received = b"".join(iter(lambda: sock.recv(65536), b""))
    assert not received.endswith(b"0\r\n\r\n")
    assert not service.go_on.is_set()


def hangs_up(handler: object) -> None:
    handler.close_connection = True  # type: ignore[attr-defined]


@pytest.mark.parametrize("outage", [hangs_up, STORE_DOWN, problem("internal-error", 500)])
def test_an_outage_of_auth_api_ends_no_stream(
    site: Server, service: Service, stub: Stub, outage: Behaviour
) -> None:
    with closing(open_events(site)) as sock:
        read_until(sock, b"data: one")
        stub.answers["GET /v1/session?slide=false"] = outage
        wait_for(lambda: stub.calls.count("GET /v1/session?slide=false") > 1, "two checks")
        service.go_on.set()
        read_until(sock, b"0\r\n\r\n")


ALWAYS_MORE = """
import gevent.monkey
gevent.monkey.patch_all()
import io
import time
from types import SimpleNamespace
from frontend_site.upstreams.body import AnswerBody, Held, RequestBody

upstream = SimpleNamespace(next_piece=lambda: b"x" * 65536)
down = AnswerBody(upstream, still_valid=lambda: True, interval=60, since=time.monotonic(), held=Held())
meta = {"wsgi.input": io.BytesIO(b"x" * 10**6), "CONTENT_LENGTH": "1000000"}
up = iter(RequestBody(SimpleNamespace(META=meta), limit=10**6, silence=2))
for body in (down, up):
    other = gevent.spawn(lambda: None)
    next(body), next(body)
    print("waits" if not other.dead else "goes on")
"""


def test_a_transfer_that_never_waits_keeps_no_other_waiting() -> None:
    """gevent changes greenlets only when one must wait; a fast service's next piece is always there."""
    said = subprocess.check_output([sys.executable, "-c", ALWAYS_MORE], cwd=ROOT, text=True)
    assert said.split("\n")[:2] == ["goes on", "goes on"]


# -- trouble ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "status", "slug"),
    [
        ("/api/dead/x", 502, "bad-gateway"),
        ("/api/reports/gone", 502, "bad-gateway"),
        ("/api/reports/reset", 502, "bad-gateway"),
        ("/api/reports/nonsense", 502, "bad-gateway"),
        ("/api/reports/hang", 504, "gateway-timeout"),
        ("/api/slow/x", 504, "gateway-timeout"),
        ("/api/reports/hinted?50", 502, "bad-gateway"),
        ("/api/reports/switched", 502, "bad-gateway"),
        ("/api/reports/doubtful?lengths", 502, "bad-gateway"),
        ("/api/reports/doubtful?both", 502, "bad-gateway"),
        ("/api/reports/doubtful?coding", 502, "bad-gateway"),
    ],
)
def test_trouble_before_the_answer_is_a_problem(
    site: Server, service: Service, path: str, status: int, slug: str
) -> None:
    answer = get(site, path)
    assert (answer.status, problem_of(answer)) == (status, slug)


@pytest.mark.parametrize("path", ["/api/reports/gone", "/api/reports/reset", "/api/reports/hang"])
def test_an_unsafe_call_is_never_sent_twice(site: Server, service: Service, path: str) -> None:
    site.ask("POST", path, *site.csrf(COOKIE), body=b"{}")
    assert len(service.calls) == 1


@pytest.mark.parametrize("path", ["/api/reports/cut", "/api/reports/torn"])
def test_a_cut_answer_is_seen_to_be_cut(site: Server, service: Service, path: str) -> None:
    answer = get(site, path)
    assert answer.status == 200
    complete = answer.body.endswith(b"0\r\n\r\n") or len(answer.body) == 1000
    assert not complete


def test_a_browser_that_leaves_takes_the_call_with_it(site: Server, service: Service) -> None:
    """And the site goes on: the slot and the connection are given back."""
    for _ in range(5):
        with closing(open_events(site)) as sock:
            read_until(sock, b"data: one")
    wait_for(lambda: service.hang_ups == 5, "the service to be told")
    wait_for(lambda: get(site, "/api/reports/echo").status == 200, "the site to go on")


@pytest.mark.parametrize("kind", ["status", "control", "length", "underscore", "list"])
def test_a_head_that_is_no_http_is_refused_and_keeps_no_slot(
    site: Server, service: Service, kind: str
) -> None:
    """One session has 40 slots."""
    for _ in range(41):
        answer = get(site, f"/api/reports/strange?{kind}")
        assert (answer.status, problem_of(answer)) == (502, "bad-gateway")
    assert get(site, "/api/reports/echo").status == 200


def test_interim_answers_are_passed_over(site: Server, service: Service) -> None:
    """And each gets the answer to its own call."""
    for _ in range(3):
        answer = get(site, "/api/reports/hinted?2")
        assert answer.status == 200
        [own] = answer.all("X-Request-Id")
        assert f"answer to {own}".encode() in answer.body


def test_one_session_cannot_take_every_slot(site: Server, service: Service) -> None:
    """40 of 200 are one session's."""
    sockets = [open_events(site) for _ in range(40)]
    try:
        for sock in sockets:
            read_until(sock, b"data: one")
        answer = get(site, "/api/reports/echo")
        assert (answer.status, problem_of(answer)) == (503, "upstream-busy")
    finally:
        for sock in sockets:
            sock.close()
    wait_for(lambda: get(site, "/api/reports/echo").status == 200, "the slots to be free again")

"""WebSockets to upstreams, through the real gunicorn and to a real WebSocket server."""

import json
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from websockets.exceptions import InvalidStatus

from frontend_site.events.hub import Hub
from frontend_site.upstreams.session_watch import SessionWatch
from frontend_site.upstreams.websocket import WebSocket
from tests.auth_api.logs import logged
from tests.frontend_site.server import Answer, Server, running_site
from tests.frontend_site.stub import (
    HANDLE,
    IDENTITY,
    NO_SESSION,
    SESSION_ENDED,
    STORE_DOWN,
    TOKEN,
    Canned,
    Stub,
    identity,
)
from tests.frontend_site.upstreams.asking import COOKIE, problem_of, read_until
from tests.frontend_site.upstreams.chat import Chat, is_closed, open_chat, says_again
from tests.frontend_site.upstreams.service import Service
from tests.processes import wait_for

REF = TOKEN.partition(".")[0]
PEEK = "GET /v1/session?slide=false"
IDENTIFY = "GET /v1/identity?audience=chat"
OF_USER, OF_WORKER = 50, 52
KEY = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="
VERSION, PROTOCOL = "Sec-WebSocket-Version: 13", "Sec-WebSocket-Protocol: v1.chat"


@pytest.fixture(scope="module")
def chat() -> Iterator[Chat]:
    running = Chat()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def variables(chat: Chat) -> dict[str, str]:
    from tests.frontend_site.upstreams.conftest import _service

    upstreams = [
        f"chat={chat.url}+websocket=yes",
        f"reports={_service.url}+websocket=yes",
        f"plain={chat.url}",
        "dead=http://127.0.0.1:9+websocket=yes",
    ]
    return {
        "GATEHOUSE_UPSTREAMS": ",".join(upstreams),
        "GATEHOUSE_ACCESS_RULES": "/api/=signed-in,/api/chat/board/=group:board",
        "GATEHOUSE_UPSTREAM_RECHECK": "1h",
        "GATEHOUSE_UPSTREAM_SILENCE": "1s",
        "GATEHOUSE_WEBSOCKETS": str(OF_WORKER),
        "GATEHOUSE_METRICS_TOKEN": "m" * 32,
    }


@pytest.fixture(scope="module")
def site(variables: dict[str, str]) -> Iterator[Server]:
    """Nothing is checked again before an hour, so whatever ends sooner was told."""
    from tests.frontend_site.conftest import _stub

    with running_site(_stub.url, **variables) as running:
        assert running.ask("GET", "/healthz").status == 200
        yield running


@pytest.fixture(scope="module")
def checking_site(variables: dict[str, str]) -> Iterator[Server]:
    """Sessions are checked every second."""
    from tests.frontend_site.conftest import _stub

    with running_site(_stub.url, **{**variables, "GATEHOUSE_UPSTREAM_RECHECK": "1s"}) as running:
        assert running.ask("GET", "/healthz").status == 200
        yield running


@pytest.fixture(autouse=True)
def _signed_in(stub: Stub, service: Service) -> None:
    for name in ("chat", "dead", "plain"):
        stub.answers[f"GET /v1/identity?audience={name}"] = Canned(200, identity())


def refusal(site: Server, *arguments: Any, **changes: Any) -> tuple[int, str]:
    """The status of a refused handshake, and its problem (with its reason)."""
    with pytest.raises(InvalidStatus) as refused:
        open_chat(site.port, *arguments, **changes)
    response = refused.value.response
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    document = json.loads(response.body)
    problem = document["type"].removeprefix("urn:gatehouse:problem:")
    return response.status_code, " ".join(filter(None, [problem, document.get("reason")]))


def handshake(site: Server, path: str, *lines: str, body: bytes = b"") -> socket.socket:
    """Send a handshake with these header lines; return the connection."""
    origin = f"Origin: http://localhost:{site.port}"
    head = [f"GET {path} HTTP/1.1", f"Host: localhost:{site.port}", COOKIE, origin]
    head += ["Upgrade: websocket", VERSION, PROTOCOL, *lines]
    sock = socket.create_connection(("127.0.0.1", site.port), timeout=30)
    sock.sendall("\r\n".join([*head, "", ""]).encode() + body)
    return sock


# -- what passes ------------------------------------------------------------------------------


def test_messages_pass_both_ways(site: Server, chat: Chat) -> None:
    with open_chat(site.port, "/api/chat/greeting?x=1") as browser:
        assert browser.recv(timeout=30) == "welcome"
        for message in ("hello", "é" * 70_000, "x" * 1_000_000):
            assert says_again(browser, message)
        assert browser.subprotocol == "v1.chat"
    assert browser.close_code == 1000
    assert chat.handshakes[-1].path == "/base/greeting?x=1"


def test_the_service_learns_who_it_is_and_gets_no_cookie(site: Server, chat: Chat) -> None:
    with open_chat(site.port):
        pass
    headers = chat.handshakes[-1].headers
    assert headers["Authorization"] == f"Bearer {IDENTITY}"
    assert headers["X-Forwarded-Prefix"] == "/api/chat"
    assert headers["Sec-WebSocket-Version"] == "13"
    assert "Cookie" not in headers
    assert "Origin" not in headers


def test_the_service_can_close(site: Server) -> None:
    with open_chat(site.port) as browser:
        assert says_again(browser, "bye")
        assert is_closed(browser)
        assert browser.close_code == 1000  # its own close frame came


def test_the_service_is_told_that_the_browser_went_away(site: Server, chat: Chat) -> None:
    before = chat.hang_ups
    browser = open_chat(site.port)
    browser.socket.shutdown(socket.SHUT_RDWR)
    wait_for(lambda: chat.hang_ups > before, "the service to see it")


def test_silence_ends_nothing(site: Server, stub: Stub) -> None:
    """Of the limit for calls, which is one second here."""
    with open_chat(site.port) as browser:
        with pytest.raises(TimeoutError):
            browser.recv(timeout=2.5)
        assert says_again(browser)


def test_a_browser_that_does_not_read_is_cut_off(site: Server, chat: Chat) -> None:
    before = chat.hang_ups
    with closing(handshake(site, "/api/chat/flood", "Connection: Upgrade", KEY)) as sock:
        assert sock.recv(64).startswith(b"HTTP/1.1 101 ")
        wait_for(lambda: chat.hang_ups > before, "the service to see the end")


# -- who may ----------------------------------------------------------------------------------


@pytest.mark.parametrize("origin", [None, "null", "https://evil.example", "http://localhost:1"])
def test_another_origin_is_refused(
    site: Server, chat: Chat, stub: Stub, origin: str | None
) -> None:
    before = len(chat.handshakes)
    reason = "foreign-origin" if origin else "no-origin"
    assert refusal(site, origin=origin) == (403, f"csrf-failed {reason}")
    assert len(chat.handshakes) == before
    assert IDENTIFY not in stub.calls


def test_without_a_session_there_is_none(site: Server, chat: Chat, stub: Stub) -> None:
    before = len(chat.handshakes)
    assert refusal(site, token="") == (401, "no-session")
    stub.answers[IDENTIFY] = SESSION_ENDED
    assert refusal(site) == (401, "session-ended idle")
    stub.answers[IDENTIFY] = STORE_DOWN
    assert refusal(site) == (503, "auth-api-unavailable")
    assert len(chat.handshakes) == before


def test_the_access_rules_hold(site: Server, chat: Chat, stub: Stub) -> None:
    before = len(chat.handshakes)
    assert refusal(site, "/api/chat/board/talk") == (403, "no-access")
    assert len(chat.handshakes) == before
    document = identity()
    document["user"]["groups"] = ["board"]
    stub.answers[IDENTIFY] = Canned(200, document)
    with open_chat(site.port, "/api/chat/board/talk") as browser:
        assert says_again(browser)


def test_a_user_and_a_worker_have_a_limit(site: Server, stub: Stub) -> None:
    with ExitStack() as stack:
        for _ in range(OF_USER):
            stack.enter_context(open_chat(site.port))
        assert refusal(site) == (429, "too-many-websockets")
        other = "QrStUvWxYzAbCdEf." + "s" * 43
        others = [stack.enter_context(open_chat(site.port, token=other)) for _ in range(2)]
        assert refusal(site, token=other) == (503, "upstream-busy")
        assert f"gatehouse_websockets {OF_WORKER}.0" in metrics(site)
        assert all(map(says_again, others))
    wait_for(lambda: "gatehouse_websockets 0.0" in metrics(site), "the places to be free")


def metrics(site: Server) -> str:
    answer = site.ask("GET", "/metrics", f"Authorization: Bearer {'m' * 32}")
    return answer.body.decode()


# -- handshakes that fail ---------------------------------------------------------------------


def test_without_the_setting_no_upgrade_passes(site: Server, chat: Chat) -> None:
    with pytest.raises(InvalidStatus) as refused:
        open_chat(site.port, "/api/plain/talk")
    assert refused.value.response.status_code == 426  # its answer to a plain GET
    assert not {"Upgrade", "Sec-WebSocket-Key"} & set(chat.handshakes[-1].headers)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/api/dead/talk", (502, "bad-gateway")),
        ("/api/reports/switched", (502, "bad-gateway")),
        ("/api/reports/claimed", (502, "bad-gateway")),  # a 101 that is no answer to our key
        ("/api/reports/gone", (502, "bad-gateway")),
        ("/api/reports/hang", (504, "gateway-timeout")),
        ("/api/chat/../x", (400, "invalid-request")),
    ],
)
def test_a_failed_handshake_is_a_problem(
    site: Server, path: str, expected: tuple[int, str]
) -> None:
    assert refusal(site, path) == expected


def test_what_the_service_refuses_is_its_own_answer(site: Server) -> None:
    with pytest.raises(InvalidStatus) as refused:
        open_chat(site.port, "/api/chat/refused")
    response = refused.value.response
    assert (response.status_code, response.body) == (409, b"not here")


@pytest.mark.parametrize(
    "lines",
    [
        ["Connection: Upgrade"],
        ["Connection: Upgrade", "Sec-WebSocket-Key: short"],
        ["Connection: close", KEY],
        ["Connection: Upgrade", KEY, "Content-Length: 3"],
        ["Connection: Upgrade", KEY, "Transfer-Encoding: chunked"],
    ],
)
def test_half_a_handshake_is_refused(site: Server, chat: Chat, lines: list[str]) -> None:
    before = len(chat.handshakes)
    with closing(handshake(site, "/api/chat/talk", *lines, body=b"0\r\n\r\n")) as sock:
        answer = Answer(read_until(sock, b"}"))
    assert (answer.status, problem_of(answer)) == (400, "invalid-request")
    assert len(chat.handshakes) == before


# -- how it ends ------------------------------------------------------------------------------


def test_it_ends_when_its_session_is_told_to_be_over(site: Server, chat: Chat, stub: Stub) -> None:
    other = "QrStUvWxYzAbCdEf." + "s" * 43
    before = chat.hang_ups
    with open_chat(site.port) as browser, open_chat(site.port, token=other) as stranger:
        assert says_again(browser)
        stub.answers[PEEK] = NO_SESSION
        stub.events.tell(ref=REF, handle="i" * 16)  # another session of the same user
        stub.events.tell(ref=REF, handle=HANDLE)
        assert is_closed(browser)
        assert browser.close_code == 1006  # no close frame: the connection ends
        wait_for(lambda: chat.hang_ups > before, "the service to see it")
        assert stub.calls.count(PEEK) == 1
        assert says_again(stranger)


def test_it_goes_on_while_it_is_unknown_whether_the_session_is_over(
    site: Server, stub: Stub
) -> None:
    with open_chat(site.port) as browser:
        stub.answers[PEEK] = STORE_DOWN
        stub.events.tell(ref=REF, handle=HANDLE)
        wait_for(lambda: stub.calls.count(PEEK) >= 2, "two checks")
        assert says_again(browser)
        stub.answers[PEEK] = NO_SESSION
        assert is_closed(browser)  # long before the hour is over


def test_it_ends_at_the_next_check(checking_site: Server, stub: Stub) -> None:
    with open_chat(checking_site.port) as browser:
        wait_for(lambda: stub.calls.count(PEEK) >= 2, "two checks")
        assert says_again(browser)
        stub.answers[PEEK] = NO_SESSION
        assert is_closed(browser)


def test_it_ends_with_the_access(checking_site: Server, stub: Stub) -> None:
    document = identity()
    document["user"]["groups"] = ["board"]
    stub.answers[IDENTIFY] = stub.answers[PEEK] = Canned(200, document)
    with open_chat(checking_site.port, "/api/chat/board/talk") as browser:
        wait_for(lambda: PEEK in stub.calls, "a check")
        assert says_again(browser)
        stub.answers[PEEK] = Canned(200, identity())
        assert is_closed(browser)


def test_an_outage_ends_none(checking_site: Server, stub: Stub) -> None:
    with open_chat(checking_site.port) as browser:
        stub.answers[PEEK] = STORE_DOWN
        wait_for(lambda: stub.calls.count(PEEK) >= 2, "two checks")
        assert says_again(browser)


def test_it_ends_when_the_worker_stops(checking_site: Server) -> None:
    """The last test: the site does not come back."""
    with open_chat(checking_site.port) as browser:
        assert says_again(browser)
        os.kill(checking_site.process.pid, signal.SIGTERM)
        assert is_closed(browser)
    assert checking_site.process.wait(60) == 0


# -- without a server ------------------------------------------------------------------------


def test_it_ends_after_a_long_silence() -> None:
    hub = Hub(limit=1, limit_of_session=1, limit_of_user=1)
    tunnel: Any = SimpleNamespace(start=Mock(), stop=Mock(), silent_for=3601.0, ended="")
    watch = SessionWatch(lambda: True, 60)
    body = WebSocket(
        tunnel, hub=hub, waiter=hub.join("ref"), watch=watch, idle=3600, logged={"upstream": "x"}
    )
    with logged() as events:
        with pytest.raises(ConnectionResetError):
            list(body)
        body.close()
    assert (events[0]["event"], events[0]["reason"]) == ("websocket.closed", "idle")
    assert tunnel.stop.called
    hub.join("other")  # the place is free


def test_one_that_never_opens_gives_its_place_back() -> None:
    """The browser has gone before the head of the 101 is sent."""
    hub = Hub(limit=1, limit_of_session=1, limit_of_user=1)
    tunnel: Any = SimpleNamespace(start=Mock(), stop=Mock(), silent_for=0.0, ended="")
    watch = SessionWatch(lambda: True, 60)
    body = WebSocket(tunnel, hub=hub, waiter=hub.join("ref"), watch=watch, idle=9, logged={})
    body.close()
    body.close()
    assert tunnel.stop.called
    hub.join("other")

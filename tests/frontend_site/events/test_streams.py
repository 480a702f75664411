"""Streams of open pages over the wire: the real gunicorn between a raw socket and the stub."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.frontend_site.server import Answer, Server, running_site
from tests.frontend_site.stub import (
    HANDLE,
    NEW_TOKEN,
    RETRY_SOON,
    SESSION_ENDED,
    TOKEN,
    Canned,
    Stub,
    current_session,
    hang_up,
    moment,
    running_stub,
)

pytestmark = pytest.mark.slow

REF = TOKEN.partition(".")[0]
OTHER = "x" * 16
COOKIE = f"Cookie: __Host-session={TOKEN}"
PEEK = "GET /v1/session?slide=false"
FETCH = ("Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty")


class OpenPage:
    """A page with its stream: EventSource's half of the conversation."""

    def __init__(self, server: Server, *lines: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", server.port), timeout=15)
        head = ["GET /api/auth/events HTTP/1.1", "Host: localhost", *(lines or (COOKIE, *FETCH))]
        self._socket.sendall("\r\n".join(head).encode() + b"\r\n\r\n")
        self._file = self._socket.makefile("rb")
        head_bytes = b""
        while (line := self._file.readline()) not in (b"\r\n", b""):
            head_bytes += line
        self.answer = Answer(head_bytes + b"\r\n")

    def event(self) -> tuple[str, str]:
        """The next event and its data; ("", "") at the end of the stream."""
        name = ""
        while line := self._line():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data:"):
                return name, line.removeprefix("data:").strip()
        return "", ""

    def first_line(self) -> str:
        return self._line() or ""

    def _line(self) -> str | None:
        while True:
            line = self._file.readline()
            if not line or line == b"0\r\n":  # the last chunk
                return None
            if line.strip() and not _is_chunk_size(line):
                return line.decode().rstrip("\r\n")

    def close(self) -> None:
        self._file.close()
        self._socket.close()


def _is_chunk_size(line: bytes) -> bool:
    return line.endswith(b"\r\n") and all(c in b"0123456789abcdefABCDEF" for c in line.strip())


@pytest.fixture
def open_page(server: Server, stub: Stub) -> Iterator[Callable[..., OpenPage]]:
    """Open pages at the site; each is closed after the test."""
    with ExitStack() as stack:

        def opened(at: Server | None = None, *lines: str) -> OpenPage:
            page = OpenPage(at or server, *lines)
            stack.callback(page.close)
            return page

        yield opened


@pytest.fixture
def page(open_page: Callable[..., OpenPage], stub: Stub) -> OpenPage:
    """A page with its stream open, and the stream from auth_api behind it."""
    opened = open_page()
    settle(opened, stub)
    return opened


def settle(opened: OpenPage, stub: Stub) -> None:
    """Wait until the link stands. Streams that were there before it are asked to look again."""
    assert opened.answer.status == 200
    stub.events.wait_for_listeners()
    assert opened.first_line().startswith("retry: ")


def told_of(ended: dict[str, str], page: OpenPage, stub: Stub) -> tuple[str, str]:
    stub.events.tell(**ended)
    return page.event()


@pytest.fixture(autouse=True)
def _linked(server: Server, stub: Stub) -> None:
    """The link of the shared server stands: what begins with it is a test of its own."""
    OpenPage(server).close()
    stub.events.wait_for_listeners()


def test_the_answer_is_a_stream_that_nothing_keeps(page: OpenPage) -> None:
    answer = page.answer
    assert answer.all("Content-Type") == ["text/event-stream"]
    assert answer.all("Cache-Control") == ["no-store"]
    assert answer.all("X-Accel-Buffering") == ["no"]
    assert "sandbox" in answer.all("Content-Security-Policy")[0]
    assert answer.all("Set-Cookie") == []


@pytest.mark.parametrize(
    "ended", [{"ref": REF}, {"ref": REF, "handle": HANDLE}, {"ref": REF, "kept": OTHER}]
)
def test_an_ended_session_is_told_to_look_and_nothing_else(
    page: OpenPage, stub: Stub, ended: dict[str, str]
) -> None:
    assert told_of(ended, page, stub) == ("check", "0")
    assert page.event() == ("", "")


def test_a_renewed_session_goes_on_and_is_told_under_its_new_name(
    page: OpenPage, stub: Stub
) -> None:
    stub.events.tell(ref=REF, handle=HANDLE, renewed=OTHER)
    stub.events.tell(ref=REF, handle=HANDLE)
    assert told_of({"ref": REF, "handle": OTHER}, page, stub) == ("check", "0")
    assert stub.calls == [PEEK] * len(stub.calls)


def test_a_changed_password_does_not_lock_the_browser_that_changed_it(
    page: OpenPage, stub: Stub
) -> None:
    """All sessions end, then this one goes on: there is no moment at which to look."""
    stub.events.tell(ref=REF)
    stub.events.tell(ref=REF, handle=HANDLE, renewed=OTHER)
    stub.events.tell(ref=REF, kept=OTHER)
    assert told_of({"ref": REF, "handle": OTHER}, page, stub) == ("check", "0")
    assert page.event() == ("", "")


def test_what_concerns_others_is_not_told(page: OpenPage, stub: Stub) -> None:
    for ended in ({"ref": OTHER}, {"ref": REF, "handle": OTHER}, {"ref": REF, "kept": HANDLE}):
        stub.events.tell(**ended)
    stub.events.say("event: ended\ndata: junk\n\nevent: unknown\ndata: x\n\n")
    assert told_of({"ref": REF, "handle": HANDLE}, page, stub) == ("check", "0")


def test_the_session_is_checked_once_and_not_used(page: OpenPage, stub: Stub) -> None:
    assert set(stub.calls) == {PEEK}


def test_many_pages_wait_on_one_stream_from_auth_api(
    open_page: Callable[..., OpenPage], stub: Stub
) -> None:
    pages = [open_page() for _ in range(5)]
    for page in pages:
        settle(page, stub)
    stub.events.wait_for_listeners(1)
    stub.events.tell(ref=REF)
    assert [page.event() for page in pages] == [("check", "0")] * 5


def test_an_ended_session_gets_no_stream_and_keeps_its_cookie(
    open_page: Callable[..., OpenPage], stub: Stub
) -> None:
    """The answer may be older than a sign-in in another tab: it expires no cookie."""
    stub.answers[PEEK] = SESSION_ENDED
    answer = open_page().answer
    assert answer.status == 401
    assert answer.all("Content-Type") == ["application/problem+json"]
    assert answer.all("Set-Cookie") == []


def test_without_a_cookie_nobody_is_asked(open_page: Callable[..., OpenPage], stub: Stub) -> None:
    stub.seen.clear()
    assert open_page(None, *FETCH).answer.status == 401
    assert stub.calls == []


def test_unknown_is_not_ended(open_page: Callable[..., OpenPage], stub: Stub) -> None:
    stub.answers[PEEK] = hang_up
    answer = open_page().answer
    [retry_after] = answer.all("Retry-After")
    assert (answer.status, retry_after) in RETRY_SOON


@pytest.mark.parametrize(
    "lines",
    [
        ("Sec-Fetch-Site: none", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"),
        ("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty"),
    ],
)
def test_it_opens_for_scripts_of_this_site_only(
    open_page: Callable[..., OpenPage], stub: Stub, lines: tuple[str, ...]
) -> None:
    assert open_page(None, COOKIE, *lines).answer.status == 403


def test_a_head_request_does_not_wait(server: Server) -> None:
    answer = server.ask("HEAD", "/api/auth/events", COOKIE)
    assert (answer.status, answer.body) == (200, b"")


def test_a_session_that_expires_by_itself_is_told(
    open_page: Callable[..., OpenPage], stub: Stub
) -> None:
    session = current_session()
    session["session"]["idle_expires_at"] = moment(0)
    stub.answers[PEEK] = Canned(200, session)
    assert open_page().event() == ("check", "0")


def test_a_lost_link_says_nothing_and_its_return_asks_to_look(page: OpenPage, stub: Stub) -> None:
    stub.events.refused.set()
    stub.events.drop()
    stub.events.wait_for_listeners(0)
    stub.events.tell(ref=REF)  # nobody hears it
    stub.events.refused.clear()
    event, within = page.event()  # nothing before that
    assert event == "check"
    assert 0 < int(within) < 1000


def test_a_session_with_too_many_pages_loses_the_oldest(
    open_page: Callable[..., OpenPage], stub: Stub
) -> None:
    session = current_session()
    session["session"]["handle"] = "d" * 16
    stub.answers[PEEK] = Canned(200, session)
    pages = [open_page() for _ in range(7)]
    assert pages[0].event() == ("displaced", "")
    stub.events.tell(ref=REF)
    assert [page.event()[0] for page in pages[1:]] == ["check"] * 6


def test_a_worker_has_a_limit_and_a_closed_page_makes_room() -> None:
    with running_stub() as stub, running_site(stub.url, GATEHOUSE_STREAMS="2") as site:
        first, _second = OpenPage(site), OpenPage(site)
        refused = OpenPage(site)
        assert refused.answer.status == 503
        [retry_after] = refused.answer.all("Retry-After")
        assert 30 <= int(retry_after) <= 60
        other = [f"Cookie: __Host-session={NEW_TOKEN}", *FETCH]
        first.close()
        # At once: the next sign of life would notice it after 20 seconds, or 40.
        deadline = time.monotonic() + 10
        while (status := OpenPage(site, *other).answer.status) != 200:
            assert (status, time.monotonic() < deadline) == (503, True)
            time.sleep(0.05)


def test_a_server_that_stops_does_not_wait_for_its_streams() -> None:
    grace: Any = {"GATEHOUSE_GRACE": "60"}
    with running_stub() as stub, running_site(stub.url, **grace) as site:
        pages = [OpenPage(site) for _ in range(3)]
        site.process.terminate()
        assert [page.event() for page in pages] == [("", "")] * 3
        site.process.wait(30)


def test_many_sessions_of_two_users_leave_streams_for_others() -> None:
    """Each user keeps the newest 20 streams of a worker, over any number of sessions."""
    with ExitStack() as stack:
        stub = stack.enter_context(running_stub())
        site = stack.enter_context(running_site(stub.url, GATEHOUSE_STREAMS="45"))

        def opened(ref: str, number: int) -> OpenPage:
            session = current_session()
            session["session"]["handle"] = f"{number:016}"
            stub.answers[PEEK] = Canned(200, session)
            cookie = f"Cookie: __Host-session={ref}.{number:043}"
            page = OpenPage(site, cookie, *FETCH)
            stack.callback(page.close)
            return page

        for ref in ("a" * 16, "b" * 16):
            pages = [opened(ref, number) for number in range(20)]
            for number in range(20, 25):
                pages.append(opened(ref, number))
                assert pages[number - 20].event() == ("displaced", "")
            assert [page.answer.status for page in pages] == [200] * 25
        assert opened("c" * 16, 0).answer.status == 200

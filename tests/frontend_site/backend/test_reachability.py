"""While auth_api does not answer, calls are refused at once; a probe finds out when it is back."""

import threading
import time
from typing import Any

import pytest

from frontend_site.backend import reachability
from frontend_site.backend.caller import Caller
from frontend_site.backend.client import AuthApiUnavailable, auth_api
from tests.frontend_site.browser import Browser, set_cookie_lines
from tests.frontend_site.stub import (
    STORE_DOWN,
    Canned,
    Stub,
    hang,
    hang_up,
    problem,
)
from tests.processes import wait_for

ME = Caller()
SESSION, LOGIN, PROBE = "GET /v1/session", "POST /v1/login", "GET /v1/.well-known/jwks.json"
EVERYTHING = (SESSION, LOGIN, PROBE, "GET /v1/sessions")


@pytest.fixture(autouse=True)
def _fresh_client() -> None:
    auth_api.cache_clear()


@pytest.fixture
def impatient(options: Any) -> None:
    """For tests in which nothing answers."""
    options(read_timeout=0.2)


@pytest.fixture
def long_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reachability, "_REST", 600)


def fail(route: str = "session", times: int = 5) -> None:
    for _ in range(times):
        with pytest.raises(AuthApiUnavailable):
            auth_api().call(route, ME)


def be_silent(stub: Stub, how: Any = hang_up) -> None:
    for call in EVERYTHING:
        stub.answers[call] = how or hang(stub.wake)


SILENCES = {
    "hangs": None,
    "hangs up": hang_up,
    "a stranger": Canned(502, b"<html>", content_type="text/html"),
}


@pytest.mark.parametrize("how", SILENCES.values(), ids=SILENCES.keys())
def test_after_five_failures_in_a_row_nothing_is_sent(
    stub: Stub, how: Any, long_rest: None, impatient: None
) -> None:
    be_silent(stub, how)
    fail()
    stub.seen.clear()
    for route in ("session", "login", "sessions"):
        with pytest.raises(AuthApiUnavailable, match="open"):
            auth_api().call(route, ME)
    assert stub.calls == []


def test_nobody_listens(auth_api_down: None, long_rest: None) -> None:
    fail()
    with pytest.raises(AuthApiUnavailable, match="open"):
        auth_api().call("session", ME)


def test_pages_and_calls_answer_as_in_any_outage(
    browser: Browser, stub: Stub, long_rest: None
) -> None:
    be_silent(stub)
    fail()
    browser.sign_in()
    waits = set()
    for _ in range(40):
        for path, kind in (
            ("/account", "text/html"),
            ("/api/auth/session", "application/problem+json"),
        ):
            answer = browser.get(path)
            assert answer.status_code == 503
            assert answer["Content-Type"].startswith(kind)
            assert set_cookie_lines(answer) == []
            waits.add(answer["Retry-After"])
    assert len(waits) > 5  # they are spread, so that clients do not return together


def test_one_probe_finds_out_and_everybody_may_call_again(
    stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reachability, "_REST", 0.01)
    be_silent(stub, hang_up)
    fail()
    stub.seen.clear()
    time.sleep(0.02)
    with pytest.raises(AuthApiUnavailable):  # the probe fails, and the call itself is not sent
        auth_api().call("login", ME, body=b"{}")
    assert stub.calls == [PROBE]
    stub.reset()
    wait_for(lambda: _status("login") == 200, "auth_api to be asked again")
    assert stub.calls == [PROBE, LOGIN]
    assert auth_api().call("session", ME).status == 200
    assert stub.calls == [PROBE, LOGIN, SESSION]


def _status(route: str) -> int:
    try:
        return auth_api().call(route, ME).status
    except AuthApiUnavailable:
        return 0


@pytest.mark.parametrize(
    "answer",
    [
        STORE_DOWN,
        problem("overloaded", 503),
        problem("internal-error", 500),
        problem("no-session", 401),
    ],
    ids=["no store", "overloaded", "an error", "no session"],
)
def test_what_auth_api_says_itself_is_an_answer(stub: Stub, answer: Canned) -> None:
    stub.answers[SESSION] = answer
    for _ in range(10):
        assert auth_api().call("session", ME).status == answer.status
    assert auth_api().call("sessions", ME).status == 200


def test_a_refused_service_token_is_an_answer(stub: Stub) -> None:
    stub.answers[SESSION] = problem("service-token-required", 401)
    fail(times=10)
    assert auth_api().call("sessions", ME).status == 200


def test_failures_count_in_a_row_only(stub: Stub) -> None:
    stub.answers[SESSION] = hang_up
    for _ in range(4):
        fail(times=4)
        assert auth_api().call("sessions", ME).status == 200


def test_slow_hashes_refuse_no_validation(stub: Stub, options: Any) -> None:
    options(read_timeout=1)
    stub.answers[LOGIN] = hang(stub.wake)
    fail("login")
    assert auth_api().call("session", ME).status == 200


def test_sign_ins_alone_find_out_too(stub: Stub, long_rest: None, impatient: None) -> None:
    be_silent(stub, None)
    fail("login")
    stub.seen.clear()
    with pytest.raises(AuthApiUnavailable, match="open"):
        auth_api().call("login", ME)
    assert stub.calls == []


@pytest.mark.parametrize("route", ["session", "login"])
def test_whoever_waits_for_an_answer_is_let_go_when_it_opens(
    route: str, stub: Stub, options: Any, long_rest: None
) -> None:
    """Their own time limits are an hour here."""
    options(read_timeout=3600, call_deadline=3600)
    be_silent(stub, None)
    waiting = [threading.Thread(target=fail, args=(route, 1), daemon=True) for _ in range(3)]
    client = auth_api()
    for thread in waiting:
        thread.start()
    wait_for(lambda: len(stub.seen) == 3, "three calls to hang")
    for _ in range(5):
        client._reachability.failed(OSError(), slow=False)
    for thread in waiting:
        thread.join(60)
    assert not any(thread.is_alive() for thread in waiting)


def test_whoever_waits_for_a_slot_is_let_go_too(stub: Stub, options: Any, long_rest: None) -> None:
    options(read_timeout=3600, call_deadline=3600, calls_at_once=1, connect_timeout=3600)
    options(hashing_calls_at_once=1, hashing_wait=3600)
    be_silent(stub, None)
    client = auth_api()
    routes = ["session", "session", "login", "login"]
    waiting = [threading.Thread(target=fail, args=(route, 1), daemon=True) for route in routes]
    for thread in waiting:
        thread.start()
    wait_for(lambda: stub.seen, "a call to hang")
    for _ in range(5):
        client._reachability.failed(OSError(), slow=False)
    for thread in waiting:
        thread.join(60)
    assert not any(thread.is_alive() for thread in waiting)
    assert len(stub.seen) == 1

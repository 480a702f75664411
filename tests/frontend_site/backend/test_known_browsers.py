"""The cookie of a known browser on its way through the BFF: relayed, checked, and shown to nobody else."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from frontend_site.backend.caller import Caller
from frontend_site.backend.client import AuthApiUnavailable, auth_api
from frontend_site.backend.routes import HASHING, KNOWN_FIRST, ROUTES
from frontend_site.options import options as site_options
from frontend_site.session_token import SessionToken
from gatehouse.keys import Key
from gatehouse.known_browser import mint_known_browser
from tests.frontend_site.browser import Browser, set_cookie_lines
from tests.frontend_site.stub import (
    ATTRIBUTES,
    HANDLE,
    SET_SESSION,
    TOKEN,
    Canned,
    Stub,
    current_session,
    hang,
)
from tests.processes import wait_for

NAME = "__Host-known-browser"
FORGED = mint_known_browser("ada@example.com", Key("foreign", b"f" * 40))


@pytest.fixture(autouse=True)
def _fresh_client() -> None:
    auth_api.cache_clear()


def genuine(account: str = "ada@example.com") -> str:
    return mint_known_browser(account, site_options().service_keys[-1])


def known(account: str = "ada@example.com") -> Caller:
    return Caller(SessionToken(TOKEN), known_browser=genuine(account))


def test_a_sign_in_leaves_it_in_the_browser_as_it_came(browser: Browser, stub: Stub) -> None:
    line = f"{NAME}=1.a.b; Max-Age=7776000{ATTRIBUTES}"
    headers = (("Set-Cookie", SET_SESSION), ("Set-Cookie", line))
    stub.answers["POST /v1/login"] = Canned(200, current_session(), headers)
    lines = set_cookie_lines(browser.call("POST", "/api/auth/login"))
    assert [each for each in lines if "__Host-csrf" not in each] == [SET_SESSION, line]


@pytest.mark.parametrize("route", sorted(ROUTES))
def test_only_a_sign_in_takes_it_to_auth_api(route: str, stub: Stub) -> None:
    auth_api().call(route, known(), handle=HANDLE, audience="reports")
    cookie = stub.seen[0].header("Cookie")
    mine = f"; {NAME}={genuine()}" if route == "login" else ""
    assert cookie == f"__Host-session={TOKEN}{mine}"


@pytest.mark.parametrize(
    "header",
    [
        f"{NAME}={FORGED}",
        f"{NAME}=x, __Host-session={TOKEN}",
        f"{NAME}=\x01",
        f"{NAME}=1; {NAME}=2",
        f"{NAME}=1; \xe2\x80\x80{NAME}=2",
    ],
)
def test_one_that_we_have_not_signed_is_like_none(
    browser: Browser, stub: Stub, header: str
) -> None:
    cookies = f"__Host-csrf={browser.token()}; {header}"
    answer = browser.call("POST", "/api/auth/login", Cookie=cookies)
    assert answer.status_code == 200
    assert stub.seen[-1].header("Cookie") is None


def test_from_the_browser_it_reaches_the_sign_in(browser: Browser, stub: Stub) -> None:
    browser.cookies[NAME] = genuine()
    assert browser.call("POST", "/api/auth/login").status_code == 200
    assert stub.seen[-1].header("Cookie") == f"{NAME}={genuine()}"


@contextmanager
def hanging_sign_ins(stub: Stub, *callers: Caller) -> Iterator[None]:
    """One call for each of `callers` that auth_api does not answer."""
    stub.answers["POST /v1/login"] = hang(stub.wake)

    def sign_in(caller: Caller) -> None:
        with pytest.raises(AuthApiUnavailable):
            auth_api().call("login", caller)

    threads = [threading.Thread(target=sign_in, args=(c,), daemon=True) for c in callers]
    for thread in threads:
        thread.start()
    wait_for(lambda: len(stub.seen) == len(callers), "the calls to hang")
    yield
    stub.wake.set()
    for thread in threads:
        thread.join()


STRANGER = Caller()


def test_strangers_leave_a_share_to_known_browsers(stub: Stub, options: Any) -> None:
    options(hashing_calls_at_once=2, hashing_wait=0.05, read_timeout=60, call_deadline=60)
    with hanging_sign_ins(stub, STRANGER, STRANGER):
        stub.answers["POST /v1/login"] = Canned(200, current_session())
        for caller in (STRANGER, Caller(known_browser=FORGED)):
            with pytest.raises(AuthApiUnavailable, match="too many"):
                auth_api().call("login", caller)
        assert auth_api().call("login", known()).status == 200


@pytest.mark.parametrize("route", sorted(HASHING))
def test_the_share_is_for_calls_that_go_first_in_auth_api_too(
    route: str, stub: Stub, options: Any
) -> None:
    options(hashing_calls_at_once=1, hashing_wait=0.05, read_timeout=60, call_deadline=60)
    with hanging_sign_ins(stub, STRANGER):
        stub.answers["POST /v1/login"] = Canned(200, current_session())
        if route in KNOWN_FIRST:
            assert auth_api().call(route, known()).status == 200
        else:
            with pytest.raises(AuthApiUnavailable, match="too many"):
                auth_api().call(route, known())


def test_one_account_cannot_use_up_the_share_of_the_others(stub: Stub, options: Any) -> None:
    options(hashing_calls_at_once=3, hashing_wait=0.05, read_timeout=60, call_deadline=60)
    with hanging_sign_ins(
        stub, STRANGER, STRANGER, known("bob@example.com"), known("bob@example.com")
    ):
        stub.answers["POST /v1/login"] = Canned(200, current_session())
        with pytest.raises(AuthApiUnavailable, match="too many"):
            auth_api().call("login", known("bob@example.com"))
        # bob has one reserved place, and all the strangers' are taken.
        with pytest.raises(AuthApiUnavailable, match="too many"):
            auth_api().call("login", STRANGER)


@pytest.mark.parametrize("route", sorted(HASHING))
def test_a_sign_in_waits_its_turn_instead_of_being_refused(
    route: str, stub: Stub, options: Any
) -> None:
    options(hashing_calls_at_once=1, hashing_wait=60, read_timeout=60, call_deadline=60)
    answers: list[int] = []

    def ask() -> None:
        answers.append(auth_api().call(route, STRANGER).status)

    with hanging_sign_ins(stub, STRANGER):
        stub.answers["POST /v1/login"] = Canned(200, current_session())
        later = threading.Thread(target=ask, daemon=True)
        later.start()
    later.join(60)
    assert len(answers) == 1

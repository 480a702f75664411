"""Checks every route and method without a cookie, with a made-up or ended one, and in an outage.

A new route must be named here and declared by its view, or these tests fail.
"""

from collections.abc import Callable
from typing import Any

import pytest

from frontend_site.backend.client import NEEDS_SESSION, ROUTES
from frontend_site.security.endpoints import is_public, methods_of, session_of
from frontend_site.settings.access_rules import parse_access_rules
from frontend_site.settings.upstreams import NAME, parse_upstreams
from tests.frontend_site.browser import Browser, set_cookie_lines
from tests.frontend_site.stub import (
    EXPIRE_SESSION,
    HANDLE,
    SESSION_ENDED,
    STORE_DOWN,
    USER,
    Canned,
    Stub,
    problem,
)
from tests.urls import METHODS, every_route

PUBLIC = {
    "/", "/login", "/login/code", "/login/enrol", "/login/continue", "/api/auth/login/factor", "/api/auth/login/enrol",
    "/api/auth/login/enrol/confirm", "/logout", "/register", "/invitation", "/email/verify", "/email/confirm",
    "/email/restore", "/email/resend", "/password/forgot", "/password/reset", "/sessions/disown",
    "/account/keep", "/api/auth/account/keep", "/api/auth/csrf", "/api/auth/login", "/api/auth/logout", "/api/auth/register", "/api/auth/invitations/accept",
    "/api/auth/sessions/disown", "/api/auth/email/verify", "/api/auth/email/resend",
    "/api/auth/email/confirm", "/api/auth/email/restore", "/api/auth/password/forgot", "/api/auth/password/reset",
    "/auth/verify", "/auth/refused", "/auth/signed-out", "/auth/doctor", "/gatehouse.js", "/.well-known/jwks.json",
    "/.well-known/change-password", "/healthz", "/readyz", "/metrics",
}  # fmt: skip
ASKED_BEFORE = {"/account", "/account/factors/codes/file"}
OWN_CALL = {
    "/account/name", "/account/password", "/account/email", "/account/data", "/account/delete",
    "/account/sessions", "/account/security", "/account/activity", "/account/factors", "/account/factors/app", "/account/factors/codes",
    "/api/auth/factors", "/api/auth/factors/totp", "/api/auth/factors/totp/confirm", f"/api/auth/factors/{HANDLE}",
    "/api/auth/factors/recovery-codes", "/api/auth/factors/recovery-codes/confirm",
    "/api/auth/session", "/api/auth/events", "/api/auth/sessions",
    f"/api/auth/sessions/{HANDLE}", "/api/auth/sessions/revoke-others",
    "/api/auth/sessions/revoke-all", "/api/auth/security-events", "/api/auth/reauthenticate",
    "/api/auth/email/change", "/api/auth/password/change", "/api/auth/account",
    "/api/auth/account/export", "/api/reports/x",
}  # fmt: skip
SAMPLES = {"handle": HANDLE, rf"^api/(?!auth/)(?P<name>{NAME})/[\s\S]*\Z": "/api/reports/x"}
FORM = "application/x-www-form-urlencoded"
MADE_UP = "A" * 16 + "." + "B" * 43
EVENTS = "/api/auth/events"


def _routes() -> list[tuple[str, Callable[..., Any]]]:
    from frontend_site.urls import urlpatterns

    return list(every_route(urlpatterns, SAMPLES))


def _protected(*, taken: bool = True) -> list[tuple[str, str]]:
    """Return path and method of protected routes; `taken`: whether the view accepts the method."""
    return [
        (path, method)
        for path, view in _routes()
        if path not in PUBLIC
        for method in METHODS
        if (method in methods_of(view)) == taken
    ]


@pytest.fixture(autouse=True)
def _upstream(options: Any) -> None:
    upstreams = parse_upstreams(["reports=http://127.0.0.1:9"])
    rules = parse_access_rules(["/api/reports/=signed-in"], upstreams)
    options(upstreams=upstreams, access_rules=rules)


@pytest.fixture
def answer_all(stub: Stub) -> Callable[[Canned], None]:
    """Let the stub give the same answer to every call that needs a session."""

    def change(answer: Canned) -> None:
        for name in NEEDS_SESSION:
            method, path = ROUTES[name]
            stub.answers[
                f"{method} {path.format(handle=HANDLE, audience='reports', claims='')}"
            ] = answer

    return change


def ask(browser: Browser, method: str, path: str) -> Any:
    """Send a request that passes the other checks: same-site, with a CSRF token and a valid body."""
    if path.startswith("/api/") or method in ("GET", "HEAD"):
        return browser.call(method, path)
    return browser.call(method, path, b"end=others", FORM, Sec_Fetch_Dest="", Origin="")


def is_refusal(answer: Any, path: str) -> bool:
    """Whether the answer asks to sign in: a problem document under /api/, otherwise a redirect or page."""
    if path.startswith("/api/"):
        return (answer.status_code, answer.get("Content-Type")) == (401, "application/problem+json")
    return answer.status_code == 302 and answer["Location"].startswith("/login?next=/account")


def test_every_route_is_declared_by_its_view_and_named_here() -> None:
    declared = {path: view for path, view in _routes() if hasattr(view, "kind")}
    said = {
        path: "public" if is_public(view) else session_of(view) for path, view in declared.items()
    }
    assert said == {
        **dict.fromkeys(PUBLIC, "public"),
        **dict.fromkeys(ASKED_BEFORE, "use"),
        **dict.fromkeys(OWN_CALL, "own-call"),
    }
    assert len(_routes()) == len(declared) == 74
    assert len(_protected()) == 62


def test_a_route_that_nobody_declared_is_found(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.adopter.urls"
    from tests.adopter.urls import urlpatterns

    found = {path for path, view in every_route(urlpatterns, SAMPLES) if not hasattr(view, "kind")}
    assert {"/reports", "/reports/archive", "/reports/help", "/api/reports/plain"} <= found


def test_methods_that_nobody_declared_are_refused_before_any_call(
    browser: Browser, stub: Stub
) -> None:
    browser.sign_in()
    for path, method in _protected(taken=False):
        answer = browser.send(method, path)
        assert answer.status_code == 405, (method, path)
    assert stub.calls == []


def test_without_a_cookie_every_protected_route_asks_to_sign_in_at_no_cost(
    browser: Browser, stub: Stub
) -> None:
    for path, method in _protected():
        answer = ask(browser, method, path)
        assert is_refusal(answer, path), (method, path, answer.status_code)
    assert stub.calls == []


@pytest.mark.parametrize("said", [problem("no-session", 401), SESSION_ENDED], ids=["none", "ended"])
def test_a_session_that_is_none_opens_no_protected_route_and_costs_one_call(
    stub: Stub, answer_all: Callable[[Canned], None], said: Canned
) -> None:
    answer_all(said)
    for path, method in _protected():
        browser = Browser().sign_in(MADE_UP)
        browser.token()
        stub.seen.clear()
        answer = ask(browser, method, path)
        assert is_refusal(answer, path), (method, path, answer.status_code)
        assert len(stub.calls) == 1, (method, path, stub.calls)
        assert USER["email"].encode() not in answer.content
        session_lines = [
            line for line in set_cookie_lines(answer) if line.startswith("__Host-session")
        ]
        told = [EXPIRE_SESSION] if said is SESSION_ENDED and path != EVENTS else []
        assert session_lines == told, (method, path)


def check_unknown(browser: Browser) -> None:
    browser.token()
    for path, method in _protected():
        answer = ask(browser, method, path)
        assert answer.status_code == 503, (method, path, answer.status_code)
        assert int(answer["Retry-After"]) > 0
        assert set_cookie_lines(answer) == []


def test_an_outage_of_the_store_opens_and_signs_out_nothing(
    browser: Browser, answer_all: Callable[[Canned], None]
) -> None:
    answer_all(STORE_DOWN)
    check_unknown(browser.sign_in())


def test_an_outage_of_auth_api_opens_and_signs_out_nothing(
    browser: Browser, auth_api_down: None
) -> None:
    check_unknown(browser.sign_in())


def test_a_valid_session_opens_every_protected_route_and_is_asked_for_at_most_once(
    stub: Stub,
) -> None:
    for path, method in _protected():
        browser = Browser().sign_in()
        browser.token()
        stub.seen.clear()
        answer = ask(browser, method, path)
        answer.close()
        # The upstream is down: the 502 comes from behind the gate.
        assert answer.status_code in (200, 202, 204, 302, 502), (method, path)
        assert not is_refusal(answer, path), (method, path)
        assert stub.calls, (method, path)
        sessions = [call for call in stub.calls if call.startswith("GET /v1/session?")]
        sessions += [call for call in stub.calls if call == "GET /v1/session"]
        assert len(sessions) <= 1, (method, path, stub.calls)
        if path in ASKED_BEFORE:
            assert stub.calls == ["GET /v1/session"]


def test_public_routes_show_nothing_of_a_session_that_is_none(
    stub: Stub, answer_all: Callable[[Canned], None]
) -> None:
    answer_all(SESSION_ENDED)
    for path in sorted(PUBLIC):
        for method in ("GET", "HEAD"):
            browser = Browser().sign_in(MADE_UP)
            stub.seen.clear()
            answer = browser.get(path) if method == "GET" else browser.send(method, path)
            assert USER["email"].encode() not in answer.content, path
            assert len(stub.calls) <= 1, (path, stub.calls)

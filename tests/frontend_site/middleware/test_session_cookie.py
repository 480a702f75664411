"""The presence gate and the one place of cookies."""

from typing import Any

import pytest

from frontend_site.security.endpoints import is_public, kind_of, methods_of, session_of
from tests.frontend_site.browser import Browser, set_cookie_lines
from tests.frontend_site.stub import HANDLE, NEW_TOKEN, RETRY_SOON, STORE_DOWN, TOKEN, Stub

PROTECTED_API = [
    ("GET", "/api/auth/session"),
    ("GET", "/api/auth/sessions"),
    ("GET", "/api/auth/security-events"),
    ("DELETE", f"/api/auth/sessions/{HANDLE}"),
    ("POST", "/api/auth/sessions/revoke-others"),
    ("POST", "/api/auth/sessions/revoke-all"),
    ("POST", "/api/auth/reauthenticate"),
    ("POST", "/api/auth/email/change"),
    ("POST", "/api/auth/password/change"),
    ("PATCH", "/api/auth/account"),
    ("DELETE", "/api/auth/account"),
    ("GET", "/api/auth/account/export"),
]


def test_a_protected_page_without_a_cookie_leads_to_login_and_costs_no_call(
    browser: Browser, stub: Stub
) -> None:
    answer = browser.get("/account")
    assert (answer.status_code, answer["Location"]) == (302, "/login?next=/account")
    assert stub.calls == []


def test_the_query_of_the_page_comes_back_after_login(browser: Browser) -> None:
    assert browser.get("/account?tab=2")["Location"] == "/login?next=/account%3Ftab%3D2"


@pytest.mark.parametrize(("method", "path"), PROTECTED_API)
def test_a_protected_call_without_a_cookie_is_a_401_problem_never_a_redirect(
    browser: Browser, stub: Stub, method: str, path: str
) -> None:
    answer = browser.call(method, path)
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:gatehouse:problem:no-session"
    assert stub.calls == []


def test_a_view_that_says_nothing_is_protected_and_for_reading() -> None:
    def view() -> None: ...

    assert not is_public(view)  # type: ignore[arg-type]
    assert session_of(view) == "use"  # type: ignore[arg-type]
    assert methods_of(view) == ("GET", "HEAD")  # type: ignore[arg-type]
    assert kind_of(view, "/reports") == "page"  # type: ignore[arg-type]
    assert kind_of(view, "/api/reports") == "json"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "cookie",
    [
        f"__Host-session={TOKEN}; __Host-session={NEW_TOKEN}",
        f"__Host-session={TOKEN}; __Host-session={TOKEN}",
        f"__Host-session={TOKEN},__Host-session={NEW_TOKEN}",
        f"__Host-session={TOKEN}; \xe2\x80\x80__Host-session={NEW_TOKEN}",
        f"__Host-session={TOKEN}; \xc2\xa0__Host-session={NEW_TOKEN}",
        f"__host-session={NEW_TOKEN}; __Host-session={TOKEN}",
        "__Host-csrf=a; __Host-csrf=b",
    ],
)
@pytest.mark.parametrize("path", ["/account", "/", "/api/auth/session"])
def test_duplicates_and_look_alikes_are_a_400(
    browser: Browser, stub: Stub, cookie: str, path: str
) -> None:
    answer = browser.send("GET", path, Cookie=cookie)
    assert answer.status_code == 400
    expected = "application/problem+json" if path.startswith("/api/") else "text/html"
    assert answer["Content-Type"].startswith(expected)
    assert set_cookie_lines(answer) == []
    assert stub.calls == []


@pytest.mark.parametrize(
    "cookie",
    [
        "__Host-session=garbage",
        "__Host-session=",
        "__Host-session",
        f'__Host-session="{TOKEN}"',
        f"__Host-session={TOKEN}x",
        f"session={TOKEN}",
        f"__Host-SESSION={TOKEN}",
        f"\xe2\x80\x80__Host-session={TOKEN}",
        f"__Host-session={TOKEN},a=b",
        "__Host-session=" + "a" * 8000,
        "\x00\x01\xff; =; ;;,",
    ],
)
def test_a_garbled_cookie_counts_as_absent(browser: Browser, stub: Stub, cookie: str) -> None:
    answer = browser.send("GET", "/account", Cookie=cookie)
    assert answer.status_code == 302
    assert stub.calls == []


def test_only_our_cookie_goes_to_auth_api(browser: Browser, stub: Stub) -> None:
    browser.cookies = {"tracking": "x", "__Host-session": TOKEN, "sessionid": "y"}
    browser.get("/account")
    assert stub.seen[0].header("Cookie") == f"__Host-session={TOKEN}"


def test_an_outage_touches_no_cookie(browser: Browser, stub: Stub) -> None:
    browser.sign_in()
    stub.answers["GET /v1/session"] = STORE_DOWN
    answer = browser.get("/account")
    assert (answer.status_code, answer["Retry-After"]) in RETRY_SOON
    assert set_cookie_lines(answer) == []
    stub.reset()
    assert browser.get("/account").status_code == 200


def test_a_dead_auth_api_touches_no_cookie(browser: Browser, auth_api_down: Any) -> None:
    answer = browser.sign_in().get("/account")
    assert (answer.status_code, answer["Retry-After"]) in RETRY_SOON
    assert set_cookie_lines(answer) == []

"""Checks every cookie that this service sets, with exactly its attributes; auth_api's pass unchanged.

This service expires no cookie: auth_api expires the session's, and the CSRF cookie is replaced.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse

from frontend_site.set_cookies import add_set_cookie
from gatehouse.cookies import SESSION_COOKIE
from tests.frontend_site.browser import Browser, set_cookie_lines
from tests.frontend_site.stub import EXPIRE_SESSION, SESSION_ENDED, SET_SESSION, TOKEN, Stub
from tests.set_cookies import EPOCH, read_set_cookie

# Scripts read it (docs/explanation/csrf.md), so it is the one without HttpOnly.
CSRF = {"path": "/", "samesite": "Strict", "secure": True}


def form_page(browser: Browser) -> Any:
    return browser.get("/login")


def call_for_a_token(browser: Browser) -> Any:
    return browser.call("GET", "/api/auth/csrf")


def form_with_a_stale_token(browser: Browser) -> Any:
    return browser.post("/login", {"csrfmiddlewaretoken": "x"}, Cookie="__Host-csrf=x")


def sign_in_by_form(browser: Browser) -> Any:
    return browser.post("/login", {"email": "ada@example.com", "password": "x"})


def sign_in_by_call(browser: Browser) -> Any:
    return browser.call("POST", "/api/auth/login")


def sign_out_by_form(browser: Browser) -> Any:
    return browser.sign_in().post("/logout")


def sign_out_by_call(browser: Browser) -> Any:
    return browser.sign_in().call("POST", "/api/auth/logout")


def delete_account(browser: Browser) -> Any:
    return browser.sign_in().call("DELETE", "/api/auth/account")


@pytest.mark.parametrize(
    ("act", "session"),
    [
        (form_page, None),
        (call_for_a_token, None),
        (form_with_a_stale_token, None),
        (sign_in_by_form, SET_SESSION),
        (sign_in_by_call, SET_SESSION),
        (sign_out_by_form, EXPIRE_SESSION),
        (sign_out_by_call, EXPIRE_SESSION),
        (delete_account, EXPIRE_SESSION),
    ],
)
def test_the_csrf_cookie_has_its_attributes_and_the_sessions_are_as_they_came(
    browser: Browser, act: Callable[[Browser], Any], session: str | None
) -> None:
    lines = set_cookie_lines(act(browser))
    cookies = {cookie.name: cookie for cookie in map(read_set_cookie, lines)}
    assert len(cookies) == len(lines)
    csrf = cookies.pop("__Host-csrf")
    assert (len(csrf.value), csrf.attributes) == (89, CSRF)
    assert [line for line in lines if "__Host-session" in line] == ([session] if session else [])
    assert set(cookies) == ({"__Host-session"} if session else set())


@pytest.mark.parametrize("path", ["/account", "/api/auth/session"])
def test_an_ended_session_expires_its_cookie(browser: Browser, stub: Stub, path: str) -> None:
    stub.answers["GET /v1/session"] = SESSION_ENDED
    lines = set_cookie_lines(browser.sign_in().get(path))
    assert EXPIRE_SESSION in lines
    for cookie in map(read_set_cookie, lines):
        if cookie.name == "__Host-session":
            assert cookie.value == ""
            assert cookie.attributes == {
                **CSRF, "httponly": True, "max-age": "0", "expires": EPOCH,
            }  # fmt: skip
        else:
            assert (cookie.name, cookie.attributes) == ("__Host-csrf", CSRF)


def test_set_cookie_lines_pass_byte_for_byte_even_two_of_one_name() -> None:
    lines = [
        f"{SESSION_COOKIE}={TOKEN}; HttpOnly; Path=/; SameSite=Strict; Secure",
        f"{SESSION_COOKIE}=; max-age=0;path=/;  SECURE; future-attribute=1",
        'other="a b\\054c"; Expires=Thu, 01 Jan 1970 00:00:00 GMT',
    ]
    response = HttpResponse()
    for line in lines:
        add_set_cookie(response, line)
    assert set_cookie_lines(response) == lines

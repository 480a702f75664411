"""Links from elsewhere: the Strict cookie is missing though the user may be signed in."""

import re
from typing import Any

import pytest
from django.test import RequestFactory

from frontend_site.middleware.same_site import reload_target
from tests.frontend_site.browser import ORIGIN, Browser
from tests.frontend_site.stub import Stub

FOREIGN = {
    "Sec_Fetch_Site": "cross-site",
    "Sec_Fetch_Mode": "navigate",
    "Sec_Fetch_Dest": "document",
}


def refresh_target(answer: Any) -> str | None:
    match = re.search(r'http-equiv="refresh" content="0; url=([^"]*)"', answer.content.decode())
    return match[1] if match else None


@pytest.mark.parametrize("path", ["/account", "/login", "/register", "/logout", "/"])
def test_a_link_from_elsewhere_gets_a_page_that_reloads_from_here(
    browser: Browser, stub: Stub, path: str
) -> None:
    answer = browser.get(path, **FOREIGN)
    assert answer.status_code == 200
    assert refresh_target(answer) == path
    assert answer["Cache-Control"] == "no-store"
    assert "Sec-Fetch-Site" in answer["Vary"]
    assert stub.calls == []


def test_a_mailed_link_keeps_its_query(browser: Browser) -> None:
    answer = browser.get("/email/verify?token=abc:1x-_&a=%22%3E", **FOREIGN)
    assert refresh_target(answer) == "/email/verify?token=abc:1x-_&amp;a=%22%3E"
    assert answer["Referrer-Policy"] == "strict-origin"


def test_without_fetch_metadata_a_foreign_referer_tells(browser: Browser) -> None:
    assert refresh_target(browser.get("/account", Referer="https://mail.example/x")) == "/account"
    assert browser.get("/account", Referer=f"{ORIGIN}/").status_code == 302
    assert browser.get("/account").status_code == 302
    assert browser.get("/account", Referer="http://[garbled").status_code == 302


def test_the_second_request_comes_from_here_and_goes_to_login(browser: Browser) -> None:
    second = {**FOREIGN, "Sec_Fetch_Site": "same-origin"}
    assert browser.get("/account", **second)["Location"] == "/login?next=/account"


def test_a_browser_that_stays_cross_site_gets_a_link_not_a_loop(browser: Browser) -> None:
    """A user's own reload may count as cross-site: never round again, never `please log in`."""
    answer = browser.get("/account", **FOREIGN, Referer=f"{ORIGIN}/")
    assert answer.status_code == 200
    assert refresh_target(answer) is None
    content = answer.content.decode()
    assert 'href="/account" data-keep-fragment>Continue</a>' in content  # without data-open


def test_a_session_cookie_ends_the_matter(browser: Browser) -> None:
    assert b"Ada Lovelace" in browser.sign_in().get("/account", **FOREIGN).content


@pytest.mark.parametrize(
    "changes",
    [
        {"Sec_Fetch_Dest": "iframe"},
        {"Sec_Fetch_Dest": "image"},
        {"Sec_Fetch_Mode": "no-cors"},
        {"Sec_Fetch_Mode": "cors"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "none"},
    ],
)
def test_only_a_top_level_navigation_is_reloaded(browser: Browser, changes: Any) -> None:
    assert browser.get("/account", **{**FOREIGN, **changes}).status_code == 302


def test_only_get_is_reloaded(browser: Browser) -> None:
    assert browser.send("HEAD", "/account", **FOREIGN).status_code == 302
    assert browser.post("/login", **FOREIGN).status_code == 403


@pytest.mark.parametrize("path", ["/nope", "/api/auth/csrf", "/healthz"])
def test_only_pages_are_reloaded(browser: Browser, path: str) -> None:
    assert b"http-equiv" not in browser.get(path, **FOREIGN).content


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("//evil.example/account", "/evil.example/account"),
        ("///evil.example", "/evil.example"),
        ("/\\evil.example", "/evil.example"),
        ("\\\\evil.example", "/evil.example"),
        ("/a\r\nb", "/a%0D%0Ab"),
        ('/"><script>', "/%22%3E%3Cscript%3E"),
    ],
)
def test_the_target_never_leaves_the_site(path: str, target: str) -> None:
    request = RequestFactory().get("/")
    request.path_info = path
    assert reload_target(request) == target  # type: ignore[arg-type]


@pytest.mark.parametrize("path", ["//evil.example/account", "/\\evil.example/account"])
def test_a_double_slash_is_no_page_and_no_next(browser: Browser, path: str) -> None:
    """Django's test client would read a host out of it, so the path is set behind its back."""
    answer = browser.send("GET", "/", path_info=path, **FOREIGN)
    assert answer.status_code == 404
    assert b"evil.example" not in answer.content

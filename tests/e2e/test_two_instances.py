"""Two instances on one host name: browsers send each the cookies of both (GATEHOUSE_COOKIE_SUFFIX)."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.conftest import EMAIL
from tests.e2e.test_browser import sign_in, sign_out, wait_for_text
from tests.processes import JsonClient, Stack


@pytest.fixture(scope="module")
def other() -> Iterator[Stack]:
    rules = "/app/=signed-in"
    with Stack(GATEHOUSE_COOKIE_SUFFIX="b", GATEHOUSE_ACCESS_RULES=rules) as running:
        yield running


@pytest.fixture(scope="module")
def other_password(other: Stack) -> str:
    return other.make_user(EMAIL)


def signed_in_at_both(
    stack: Stack, password: str, other: Stack, other_password: str
) -> tuple[JsonClient, JsonClient]:
    """Return one browser's two clients, which share their cookies."""
    first, second = JsonClient(stack.address), JsonClient(other.address)
    second.cookies = first.cookies
    assert first.login(EMAIL, password).status_code == 200
    assert second.login(EMAIL, other_password).status_code == 200
    return first, second


def test_neither_signs_the_other_out(
    stack: Stack, password: str, other: Stack, other_password: str
) -> None:
    first, second = signed_in_at_both(stack, password, other, other_password)
    assert set(first.cookies) == {
        "__Host-session", "__Host-csrf", "__Host-known-browser",
        "__Host-session-b", "__Host-csrf-b", "__Host-known-browser-b",
    }  # fmt: skip
    assert [each.get("/api/auth/session").status_code for each in (first, second)] == [200, 200]
    assert second.post("/api/auth/logout").status_code in (200, 204)
    assert [each.get("/api/auth/session").status_code for each in (first, second)] == [200, 401]


def test_an_app_behind_one_gets_the_session_of_neither(
    stack: Stack, password: str, other: Stack, other_password: str
) -> None:
    first, second = signed_in_at_both(stack, password, other, other_password)
    first.cookies["theme"] = "dark"
    first.cookies["__Host-csrf-token"] = "the app's"
    asked = {"X-Forwarded-Method": "GET", "X-Forwarded-Uri": "/app/"}
    answer = second.get("/auth/verify", **asked, **{"Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 204
    assert answer.headers["Cookie"] == "theme=dark; __Host-csrf-token=the app's"


def test_the_admins_doors_are_apart_too(stack: Stack, other: Stack) -> None:
    for each, end in ((stack, ""), (other, "-b")):
        answer = JsonClient(f"http://127.0.0.1:{each.auth_port}").get("/admin/login/")
        assert answer.headers["Set-Cookie"].startswith(f"__Host-admin-csrf{end}=")


@pytest.mark.exhaustive
def test_a_person_with_a_browser_uses_both(
    browser: Any, stack: Stack, password: str, other: Stack, other_password: str
) -> None:
    sign_in(browser, stack, password)
    sign_in(browser, other, other_password)
    # A script's call shows the token of this instance's cookie, without a second try.
    read = """const done = arguments[0];
        import(document.querySelector("script[type=module]").src.replace(/auth[^/]*$/, "gatehouse.js"))
          .then((gh) => done([gh.cookieToken(), document.cookie]))"""
    browser.execute_cdp_cmd("Page.setBypassCSP", {"enabled": True})
    browser.refresh()
    token, cookies = browser.execute_async_script(read)
    assert f"__Host-csrf-b={token}" in cookies
    sign_out(browser)
    browser.get(f"{stack.address}/account")
    wait_for_text(browser, EMAIL)

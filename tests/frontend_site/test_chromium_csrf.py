"""CSRF tokens of other times and other sessions, in a real Chromium (docs/explanation/csrf.md)."""

import json

import pytest

from tests.chromium import Chromiums
from tests.frontend_site.person import Person
from tests.frontend_site.server import Server, running_site
from tests.frontend_site.stub import TOKEN, Stub
from tests.ports import free_port

pytestmark = pytest.mark.slow

LOGIN, LOGOUT = "POST /v1/login", "POST /v1/logout"
EXPIRED = "urn:gatehouse:problem:csrf-expired"
KEPT = "Your entries are still here"
COOKIE = "__Host-csrf={}; path=/; secure; samesite=strict"
SEND = """
const [path, token, done] = arguments;
fetch(path, {method: "POST", headers: {"X-CSRF-Token": token, "Content-Type": "application/json"}, body: "{}"})
  .then(async (answer) => done([answer.status, await answer.text()]));
"""
# As a form that no script of ours sees: requestSubmit and clicks would renew the token.
SUBMIT = """
const form = document.querySelector(arguments[0]);
form.querySelector("[name=csrfmiddlewaretoken]").value = arguments[1];
form.submit();
"""


def token_of(person: Person) -> str:
    return str(person.driver.get_cookie("__Host-csrf")["value"])


def token_of_another_session(server: Server) -> str:
    """Signing in gives NEW_TOKEN; TOKEN is somebody else's."""
    return server.csrf(f"Cookie: __Host-session={TOKEN}")[-1].partition(": ")[2]


@pytest.mark.parametrize("cookie_too", [False, True])
def test_a_token_of_another_live_session_does_nothing(
    person: Person, server: Server, stub: Stub, cookie_too: bool
) -> None:
    other = token_of_another_session(server)
    person.sign_in()
    if cookie_too:  # tossed by a sibling or a proxy: a double submit alone would take it
        person.driver.execute_script("document.cookie = arguments[0]", COOKIE.format(other))
    status, text = person.driver.execute_async_script(SEND, "/api/auth/logout", other)
    assert (status, json.loads(text or "{}").get("type")) == (403, EXPIRED)
    person.driver.execute_script(SUBMIT, "header form", other)
    person.wait_for(KEPT)
    assert LOGOUT not in stub.calls
    person.press("main form")  # the page that says so has a good one
    person.wait_for("You have been signed out")


@pytest.mark.parametrize("cookie_too", [False, True])
def test_a_token_kept_from_before_the_sign_out_does_nothing(
    person: Person, stub: Stub, cookie_too: bool
) -> None:
    person.sign_in()
    kept = token_of(person)
    person.press("header form")
    person.wait_for("You have been signed out")
    person.open("/login")
    stub.seen.clear()
    if cookie_too:
        person.driver.execute_script("document.cookie = arguments[0]", COOKIE.format(kept))
    status, text = person.driver.execute_async_script(SEND, "/api/auth/login", kept)
    assert (status, json.loads(text or "{}").get("type")) == (403, EXPIRED)
    person.type(email="ada@example.com")
    person.driver.execute_script(SUBMIT, "main form", kept)
    person.wait_for(KEPT)
    assert LOGIN not in stub.calls
    assert "ada@example.com" in person.driver.page_source


@pytest.mark.parametrize("old_key_kept", [True, False])
def test_a_page_from_before_a_change_of_keys(
    stub: Stub, chromiums: Chromiums, old_key_kept: bool
) -> None:
    old, new = "old:" + "o" * 40, "new:" + "n" * 40
    port = free_port()
    with chromiums.lent(javascript=False) as driver:
        person = Person(driver, f"http://localhost:{port}")
        with running_site(stub.url, port=port, GATEHOUSE_CSRF_KEYS=old):
            person.open("/login")
        keys = f"{new},{old}" if old_key_kept else new
        with running_site(stub.url, port=port, GATEHOUSE_CSRF_KEYS=keys):
            person.type(email="ada@example.com", password="correct horse battery staple")
            person.press("main form")
            if not old_key_kept:
                person.wait_for(KEPT)
                assert LOGIN not in stub.calls
                person.type(password="correct horse battery staple")
                person.press("main form")
            person.wait_for("Ada Lovelace")
    assert stub.calls.count(LOGIN) == 1


@pytest.mark.parametrize("javascript", [True, False])
def test_without_cookies_nothing_goes_round_and_the_page_says_why(
    server: Server, stub: Stub, chromiums: Chromiums, javascript: bool
) -> None:
    with chromiums.lent(javascript=javascript, cookies=False) as driver:
        person = Person(driver, f"http://localhost:{server.port}")
        person.follow_foreign_link(stub, "/account?from=mail")
        person.wait_for("Keep me signed in")
        assert person.path == "/login?next=/account%3Ffrom%3Dmail"
        person.type(email="ada@example.com", password="correct horse battery staple")
        person.press("main form")
        person.wait_for("allow cookies for this site")
    assert LOGIN not in stub.calls

"""What the pages offer where not everybody may register."""

from typing import Any

import pytest

from tests.frontend_site.browser import Browser
from tests.frontend_site.stub import Stub, problem

LINKING = ["/", "/login", "/email/resend", "/password/forgot", "/nope"]
CLOSED = problem("registration-closed", 403)
FORM = {"email": "ada@example.com", "password": "a quiet harbour at dusk", "name": "Ada"}


@pytest.mark.parametrize("path", LINKING)
@pytest.mark.parametrize("mode", ["open", "invite", "closed"])
def test_links_to_register_are_shown_only_where_everybody_may(
    browser: Browser, options: Any, path: str, mode: str
) -> None:
    options(registration=mode)
    html = browser.get(path).content.decode()
    shown = path not in ("/nope",) and mode == "open"
    assert ('href="/register"' in html) is shown


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("closed", "Accounts on this site are created by an administrator. Ask it@example.com"),
        ("invite", "You need an invitation to create an account on this site. Ask it@example.com"),
    ],
)
def test_the_page_says_how_to_get_an_account(
    browser: Browser, stub: Stub, options: Any, mode: str, words: str
) -> None:
    options(registration=mode, contact="it@example.com")
    for answer in (browser.get("/register"), browser.post("/register", FORM)):
        html = answer.content.decode()
        assert (answer.status_code, words in html, 'name="password"' in html) == (403, True, False)
    assert stub.calls == []


def test_auth_api_decides(browser: Browser, stub: Stub) -> None:
    stub.answers["POST /v1/register"] = CLOSED
    answer = browser.post("/register", FORM)
    assert (answer.status_code, "Registration is closed" in answer.content.decode()) == (403, True)
    answer = browser.call("POST", "/api/auth/register")
    assert answer.json()["type"] == "urn:gatehouse:problem:registration-closed"


def test_a_registration_that_came_too_late_is_told_so(browser: Browser, stub: Stub) -> None:
    stub.answers["POST /v1/email/verify"] = CLOSED
    answer = browser.post("/email/verify", {"token": "x", "password": "y"})
    assert answer.status_code == 403
    assert "Registration is closed. Ask an administrator" in answer.content.decode()

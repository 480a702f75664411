"""Pages that mails lead to, without JavaScript."""

import pytest

from tests.frontend_site.browser import Browser, form_fields
from tests.frontend_site.pages.test_views import text_of
from tests.frontend_site.stub import RETRY_SOON, STORE_DOWN, Stub, problem

# path, call, what is asked for beside the token, what the page says in the end
LINKS = [
    (
        "/email/verify",
        "POST /v1/email/verify",
        {"password": "a quiet harbour"},
        "Address confirmed",
    ),
    (
        "/invitation",
        "POST /v1/invitations/accept",
        {"password": "a quiet harbour", "name": "Ada"},
        "Your account has been created",
    ),
    ("/sessions/disown", "POST /v1/sessions/disown", {}, "All devices are signed out"),
    (
        "/email/confirm",
        "POST /v1/email/confirm",
        {"password": ""},
        "Your address has been changed",
    ),
    ("/email/restore", "POST /v1/email/restore", {}, "Your address has been restored"),
    (
        "/password/reset",
        "POST /v1/password/reset",
        {"password": " as typed "},
        "password has been set",
    ),
]
each_link = pytest.mark.parametrize(("path", "call", "asked", "done"), LINKS)


@each_link
def test_opening_a_link_changes_nothing(
    browser: Browser, stub: Stub, path: str, call: str, asked: dict[str, str], done: str
) -> None:
    for method in ("GET", "HEAD"):
        answer = browser.send(method, f"{path}?token=mailed")
        assert (answer.status_code, answer["Referrer-Policy"]) == (200, "no-referrer")
    assert stub.calls == []


@each_link
def test_the_form_sends_the_token_and_signs_nobody_in(
    browser: Browser, stub: Stub, path: str, call: str, asked: dict[str, str], done: str
) -> None:
    fields = form_fields(browser.get(f"{path}?token=mailed").content.decode()) | asked
    answer = browser.post(path, fields, Origin="null")
    assert done in text_of(answer)
    assert (stub.calls, stub.seen[0].json) == ([call], {"token": "mailed", **asked})
    assert "__Host-session" not in browser.cookies
    assert answer["Referrer-Policy"] == "no-referrer"


@each_link
def test_a_used_link_says_so(
    browser: Browser, stub: Stub, path: str, call: str, asked: dict[str, str], done: str
) -> None:
    stub.answers[call] = problem("invalid-token", 400)
    answer = browser.post(path, {"token": "used", **asked})
    assert answer.status_code == 400
    assert "has already been used, has expired or is incomplete" in text_of(answer)


@each_link
def test_an_outage_keeps_the_link(
    browser: Browser, stub: Stub, path: str, call: str, asked: dict[str, str], done: str
) -> None:
    stub.answers[call] = STORE_DOWN
    answer = browser.post(path, {"token": "mailed", **asked})
    assert (answer.status_code, answer["Retry-After"]) in RETRY_SOON
    assert form_fields(answer.content.decode())["token"] == "mailed"


@each_link
def test_without_a_token_the_page_says_what_to_do(
    browser: Browser, path: str, call: str, asked: dict[str, str], done: str
) -> None:
    assert "This page needs the link from our message" in text_of(browser.get(path))


@pytest.mark.parametrize("path", ["/email/verify", "/password/reset"])
def test_password_managers_get_a_username_field_that_tells_no_address(
    browser: Browser, path: str
) -> None:
    page = browser.get(f"{path}?token=mailed").content.decode()
    assert '<input type="text" name="username" autocomplete="username" hidden>' in page


def test_a_wrong_password_keeps_the_link_and_asks_again(browser: Browser, stub: Stub) -> None:
    stub.answers["POST /v1/email/verify"] = problem("invalid-credentials", 401)
    answer = browser.post("/email/verify", {"token": "mailed", "password": "a guess"})
    assert (answer.status_code, answer["Referrer-Policy"]) == (401, "no-referrer")
    assert "not the password from your registration" in text_of(answer)
    fields = form_fields(answer.content.decode())
    assert (fields["token"], fields["password"]) == ("mailed", "")


def test_who_is_not_signed_in_confirms_an_address_by_the_password(
    browser: Browser, stub: Stub
) -> None:
    assert "password" not in form_fields(browser.get("/email/confirm?token=m").content.decode())
    changed = stub.answers["POST /v1/email/confirm"]
    stub.answers["POST /v1/email/confirm"] = problem("invalid-credentials", 401)
    answer = browser.post("/email/confirm", {"token": "mailed"})
    assert answer.status_code == 401
    assert "Enter the password of the account" in text_of(answer)
    assert form_fields(answer.content.decode())["password"] == ""
    stub.answers["POST /v1/email/confirm"] = changed
    answer = browser.post("/email/confirm", {"token": "mailed", "password": "a quiet harbour"})
    assert "Your address has been changed" in text_of(answer)
    assert stub.seen[-1].json == {"token": "mailed", "password": "a quiet harbour"}


def test_a_refused_password_is_told_beside_its_field(browser: Browser, stub: Stub) -> None:
    errors = {"password": ["Use at least 15 characters."]}
    stub.answers["POST /v1/password/reset"] = problem("invalid-request", 400, errors=errors)
    answer = browser.post("/password/reset", {"token": "mailed", "password": "short"})
    assert answer.status_code == 400
    assert "Use at least 15 characters." in text_of(answer)
    assert form_fields(answer.content.decode())["token"] == "mailed"


def test_a_refused_name_is_shown_again(browser: Browser, stub: Stub) -> None:
    stub.answers["POST /v1/invitations/accept"] = problem(
        "invalid-request", 400, errors={"password": ["Too short."]}
    )
    form = {"token": "mailed", "password": "short", "name": "Ada <b>"}
    html = browser.post("/invitation", form).content.decode()
    assert 'value="Ada &lt;b&gt;"' in html
    assert 'value="mailed"' in html
    assert "Too short." in html

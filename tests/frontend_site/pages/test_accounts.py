"""What people do with their account, without JavaScript."""

import json
from typing import Any

import pytest

from tests.frontend_site.browser import Browser, form_fields, set_cookie_lines
from tests.frontend_site.pages.test_views import text_of
from tests.frontend_site.stub import (
    EXPIRE_SESSION,
    NEW_TOKEN,
    RETRY_SOON,
    SESSION_ENDED,
    STORE_DOWN,
    Canned,
    Stub,
    problem,
)

WISHES = [
    ("/password/forgot", "POST /v1/password/forgot"),
    ("/email/resend", "POST /v1/email/resend"),
]
OWN = ["/account/password", "/account/name", "/account/email", "/account/data", "/account/delete"]


@pytest.mark.parametrize(("path", "call"), WISHES)
def test_a_wish_for_a_mail_shows_the_same_page_for_every_address(
    browser: Browser, stub: Stub, path: str, call: str
) -> None:
    answer = browser.post(path, {"email": " Ada@example.com "})
    assert answer.status_code == 202
    assert "If " in text_of(answer)
    assert (stub.calls, stub.seen[0].json) == ([call], {"email": "Ada@example.com"})


@pytest.mark.parametrize(("path", "call"), WISHES)
def test_a_refused_wish_keeps_what_was_typed(
    browser: Browser, stub: Stub, path: str, call: str
) -> None:
    errors = {"email": ["Give an address."]}
    stub.answers[call] = problem("invalid-request", 400, errors=errors)
    answer = browser.post(path, {"email": "<b>"})
    assert (answer.status_code, form_fields(answer.content.decode())["email"]) == (400, "<b>")
    stub.answers[call] = problem("throttled", 429, ("Retry-After", "1200"))
    answer = browser.post(path, {"email": "ada@example.com"})
    assert (answer.status_code, answer["Retry-After"]) == (429, "1200")
    assert "Wait 20 minutes" in text_of(answer)


@pytest.mark.parametrize("path", OWN)
def test_ones_own_pages_are_protected_and_never_kept(
    browser: Browser, stub: Stub, path: str
) -> None:
    assert browser.get(path)["Location"] == f"/login?next={path}"
    answer = browser.sign_in().get(path)
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    stub.answers["GET /v1/session"] = stub.answers["GET /v1/factors"] = SESSION_ENDED
    assert browser.sign_in().get(path)["Location"].startswith("/login?next=")


@pytest.mark.parametrize(("path", "call"), [
    ("/account/email", "POST /v1/email/change"),
    ("/account/data", "GET /v1/account/export"),
    ("/account/delete", "DELETE /v1/account"),
])  # fmt: skip
def test_what_matters_asks_for_the_password_and_then_happens(
    browser: Browser, stub: Stub, path: str, call: str
) -> None:
    usual = stub.answers[call]
    stub.answers[call] = problem("reauthentication-required", 403)
    answer = browser.sign_in().post(path, {"email": "new@example.com"})
    assert answer.status_code == 403
    fields = form_fields(answer.content.decode()) | {"reauthentication_password": "right"}
    stub.answers[call] = usual
    stub.seen.clear()
    done = browser.post(path, fields)
    assert done.status_code < 400
    assert stub.calls[:2] == ["POST /v1/reauthenticate", call]
    assert (stub.seen[1].header("Cookie") or "").endswith(NEW_TOKEN)
    if path != "/account/data":
        assert stub.seen[1].json == {"email": "new@example.com"}


def test_a_changed_password_takes_the_new_cookie(browser: Browser, stub: Stub) -> None:
    form = {"current_password": " old ", "new_password": " new "}
    answer = browser.sign_in().post("/account/password", form)
    assert (answer.status_code, answer["Location"]) == (302, "/account/password?changed=1")
    assert browser.cookies["__Host-session"] == NEW_TOKEN
    assert stub.seen[0].json == form
    assert "Your password has been changed" in text_of(browser.get(answer["Location"]))


def test_a_changed_password_without_a_new_session_asks_for_the_new_one(
    browser: Browser, stub: Stub
) -> None:
    expired = ("Set-Cookie", EXPIRE_SESSION)
    stub.answers["POST /v1/password/change"] = problem("password-changed", 401, expired)
    form = {"current_password": "old", "new_password": "new"}
    answer = browser.sign_in().post("/account/password", form)
    assert "notice=password-changed" in answer["Location"]
    assert "__Host-session" not in browser.cookies
    assert "Sign in with the new one" in text_of(browser.get(answer["Location"]))


def test_a_refused_change_of_password_says_where_and_keeps_no_password(
    browser: Browser, stub: Stub
) -> None:
    errors = {"current_password": ["Incorrect password."]}
    stub.answers["POST /v1/password/change"] = problem("invalid-request", 400, errors=errors)
    form = {"current_password": "guess", "new_password": "something"}
    answer = browser.sign_in().post("/account/password", form)
    fields = form_fields(answer.content.decode())
    assert answer.status_code == 400
    assert "Incorrect password." in text_of(answer)
    assert (fields["current_password"], fields["new_password"]) == ("", "")


def test_the_data_come_as_a_file(browser: Browser) -> None:
    answer = browser.sign_in().post("/account/data")
    assert answer["Content-Disposition"] == 'attachment; filename="my-account.json"'
    assert answer["Cache-Control"] == "no-store"
    document = json.loads(b"".join(answer.streaming_content))
    assert document["user"]["email"] == "ada@example.com"


@pytest.mark.parametrize("as_json", [False, True])
def test_after_a_deletion_nothing_is_left_in_the_browser(browser: Browser, as_json: bool) -> None:
    browser.sign_in()
    if as_json:
        answer = browser.call("DELETE", "/api/auth/account", b'{"email": "ada@example.com"}')
    else:
        answer = browser.post("/account/delete", {"email": "ada@example.com"})
        assert answer["Location"] == "/login?notice=deleted"
    assert EXPIRE_SESSION in set_cookie_lines(answer)
    assert answer["Clear-Site-Data"] == '"cache", "storage"'
    assert "have been deleted" in text_of(browser.get("/login?notice=deleted"))


@pytest.mark.parametrize("path", OWN[1:])
def test_an_outage_does_nothing_and_touches_no_cookie(
    browser: Browser, stub: Stub, path: str
) -> None:
    browser.sign_in()
    before = dict(browser.cookies)
    for call in (
        "PATCH /v1/account",
        "POST /v1/email/change",
        "GET /v1/account/export",
        "DELETE /v1/account",
    ):
        stub.answers[call] = STORE_DOWN
    answer = browser.post(path, {"email": "new@example.com"})
    assert (answer.status_code, answer["Retry-After"]) in RETRY_SOON
    assert browser.cookies["__Host-session"] == before["__Host-session"]


DELETES_AT = "2026-12-04T10:00:00Z"
GOING = Canned(202, {"deletes_at": DELETES_AT}, (("Set-Cookie", EXPIRE_SESSION),))


@pytest.mark.parametrize("as_json", [False, True])
def test_a_deletion_that_waits_leaves_nothing_in_the_browser_either(
    browser: Browser, stub: Stub, as_json: bool
) -> None:
    stub.answers["DELETE /v1/account"] = GOING
    browser.sign_in()
    if as_json:
        answer = browser.call("DELETE", "/api/auth/account", b'{"email": "ada@example.com"}')
        assert (answer.status_code, answer.json()) == (202, {"deletes_at": DELETES_AT})
    else:
        answer = browser.post("/account/delete", {"email": " ada@example.com "})
        assert answer["Location"] == "/login?notice=deletion"
    assert stub.seen[0].json == {"email": "ada@example.com"}
    assert EXPIRE_SESSION in set_cookie_lines(answer)
    assert answer["Clear-Site-Data"] == '"cache", "storage"'
    assert "Your account will be deleted" in text_of(browser.get("/login?notice=deletion"))


def test_a_wrong_address_deletes_nothing(browser: Browser, stub: Stub) -> None:
    errors = {"email": ["Enter the e-mail address of your account."]}
    stub.answers["DELETE /v1/account"] = problem("invalid-request", 400, errors=errors)
    answer = browser.sign_in().post("/account/delete", {"email": "other@example.com"})
    assert answer.status_code == 400
    assert form_fields(answer.content.decode())["email"] == "other@example.com"
    assert "Enter the e-mail address of your account." in text_of(answer)


@pytest.mark.parametrize(
    ("delay", "before", "words"),
    [
        (
            0,
            "We delete the account and everything that we store about you at once.",
            "This immediately deletes",
        ),
        (
            604_800,
            "you 7 days after you ask for it. Until then, you can keep",
            "In 7 days, we delete",
        ),
    ],
)
def test_the_page_says_when_it_deletes(
    browser: Browser, options: Any, delay: int, before: str, words: str
) -> None:
    options(deletion_delay=delay)
    assert before in text_of(browser.sign_in().get("/account/data"))
    assert words in text_of(browser.sign_in().get("/account/delete"))


PENDING = problem("deletion-pending", 403, keep_token="T0KEN", deletes_at=DELETES_AT)


@pytest.mark.parametrize(("path", "call"), [
    ("/login", "POST /v1/login"), ("/login/code", "POST /v1/login/factor"),
])  # fmt: skip
def test_signing_in_offers_to_keep_the_account(
    browser: Browser, stub: Stub, path: str, call: str
) -> None:
    stub.answers[call] = PENDING
    answer = browser.post(path, {"email": "ada@example.com", "password": "x", "code": "123456"})
    text = text_of(answer)
    assert (answer.status_code, "Keep my account" in text, "Sign out" in text) == (403, True, True)
    assert "will be deleted on 4 December 2026, 10:00 UTC" in text
    assert "__Host-session" not in browser.cookies
    fields = form_fields(answer.content.decode())
    done = browser.post("/account/keep", {"token": fields["token"]})
    assert stub.seen[-1].json == {"token": "T0KEN"}
    assert "The deletion has been cancelled" in text_of(done)


def test_the_mailed_link_has_a_button_and_keeps_nothing_by_itself(
    browser: Browser, stub: Stub
) -> None:
    answer = browser.get("/account/keep?token=T0KEN")
    assert (stub.calls, answer["Referrer-Policy"]) == ([], "no-referrer")
    assert form_fields(answer.content.decode())["token"] == "T0KEN"
    stub.answers["POST /v1/account/keep"] = problem("invalid-token", 400)
    refused = browser.post("/account/keep", {"token": "T0KEN"})
    assert "has already been used" in text_of(refused)


def test_the_name_is_changed(browser: Browser, stub: Stub) -> None:
    page = browser.sign_in().get("/account/name").content.decode()
    assert form_fields(page)["name"] == "Ada Lovelace"
    stub.seen.clear()
    answer = browser.post("/account/name", {"name": " Augusta "})
    assert (answer["Location"], stub.seen[0].json) == ("/account?done=name", {"name": "Augusta"})
    assert "Your name has been changed" in text_of(browser.get(answer["Location"]))


def test_a_refused_name_is_shown_again(browser: Browser, stub: Stub) -> None:
    errors = {"name": ["Remove invisible characters."]}
    stub.answers["PATCH /v1/account"] = problem("invalid-request", 400, errors=errors)
    answer = browser.sign_in().post("/account/name", {"name": "A\u200eda"})
    assert (answer.status_code, "Remove invisible characters." in text_of(answer)) == (400, True)

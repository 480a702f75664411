"""The pages, without JavaScript."""

import re
from typing import Any

import pytest

from tests.frontend_site.browser import Browser, form_fields, set_cookie_lines
from tests.frontend_site.stub import (
    EXPIRE_SESSION,
    NEW_TOKEN,
    NO_SESSION,
    RETRY_SOON,
    SESSION_ENDED,
    SET_SESSION,
    STORE_DOWN,
    Canned,
    Stub,
    current_session,
    problem,
)


def text_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.content.decode()))


def test_home_is_open_and_costs_no_call(browser: Browser, stub: Stub) -> None:
    assert "Create account" in text_of(browser.get("/"))
    page = text_of(browser.sign_in().get("/"))
    assert "Go to your account" in page
    assert "Sign out" in page
    assert stub.calls == []


def test_pages_are_named_after_the_site(browser: Browser, options: Any) -> None:
    options(site_name="Ada & Sons")
    page = browser.get("/login").content.decode()
    assert "<title>Sign in · Ada &amp; Sons</title>" in page
    assert "<span>Ada &amp; Sons</span>" in page
    assert "Gatehouse" not in text_of(browser.get("/register"))


def test_login_leads_to_the_account_with_the_cookie_that_auth_api_made(
    browser: Browser, stub: Stub
) -> None:
    answer = browser.post("/login", {"email": " ada@example.com ", "password": " x "})
    assert (answer.status_code, answer["Location"]) == (302, "/account")
    assert SET_SESSION in set_cookie_lines(answer)
    assert answer["Cache-Control"] == "no-store"
    assert stub.seen[0].json == {"email": "ada@example.com", "password": " x ", "remember": False}


def test_remember_me_is_sent(browser: Browser, stub: Stub) -> None:
    browser.post("/login", {"email": "a", "password": "b", "remember": "on"})
    assert stub.seen[0].json["remember"] is True


def test_login_ends_the_old_session_of_this_browser(browser: Browser, stub: Stub) -> None:
    """auth_api does it, so the old cookie must reach it."""
    browser.sign_in().post("/login", {"email": "a", "password": "b"})
    assert (stub.seen[0].header("Cookie") or "").startswith("__Host-session=")
    assert browser.cookies["__Host-session"] == NEW_TOKEN


def test_next_survives_the_form(browser: Browser) -> None:
    fields = form_fields(browser.get("/login?next=/account%3Fpage%3D2").content.decode())
    assert browser.post("/login", fields)["Location"] == "/account?page=2"


REFUSALS = [
    (problem("invalid-credentials", 401), 401, "Incorrect e-mail address or password"),
    (problem("throttled", 429, ("Retry-After", "30"), retry_after=30), 429, "Wait 30 seconds"),
    (problem("throttled", 429, ("Retry-After", "600")), 429, "Wait 10 minutes"),
    (problem("overloaded", 503, ("Retry-After", "5")), 503, "cannot check that right now"),
    (STORE_DOWN, 503, "cannot check that right now"),
    (problem("internal-error", 500), 503, "cannot check that right now"),
    (problem("invalid-request", 400, errors={"email": ["At most 320."]}), 400, "At most 320."),
    (problem("invalid-request", 400, errors="garbage"), 400, "could not be read"),
    (Canned(200, b"<html>", content_type="text/html"), 503, "cannot check that right now"),
]


@pytest.mark.parametrize(("canned", "status", "words"), REFUSALS)
def test_a_refused_login_keeps_the_form_but_not_the_password(
    browser: Browser, stub: Stub, canned: Canned, status: int, words: str
) -> None:
    stub.answers["POST /v1/login"] = canned
    typed = {"email": '"ada"@example.com', "password": "hunter2", "remember": "on", "next": "/"}
    answer = browser.post("/login", typed)
    page = answer.content.decode()
    assert answer.status_code == status
    assert words in text_of(answer)
    assert 'role="alert"' in page
    assert 'E-mail address not confirmed yet? <a href="/email/resend">' in page
    fields = form_fields(page)
    assert (fields["email"], fields["next"], fields["password"]) == ('"ada"@example.com', "/", "")
    assert "checked" in page
    assert "hunter2" not in page
    assert ("Retry-After" in answer.headers) == (status in (429, 503))
    assert set_cookie_lines(answer) == []


def test_the_login_form_keeps_when_auth_api_is_down(browser: Browser, auth_api_down: None) -> None:
    answer = browser.post("/login", {"email": "ada@example.com", "password": "x"})
    assert (answer.status_code, answer["Retry-After"]) in RETRY_SOON
    assert form_fields(answer.content.decode())["email"] == "ada@example.com"


def test_the_same_page_whatever_was_wrong_with_the_login(browser: Browser, stub: Stub) -> None:
    stub.answers["POST /v1/login"] = problem("invalid-credentials", 401)
    pages = {
        re.sub(
            'nonce="[^"]*"',
            "",
            browser.post("/login", {"email": "a", "password": password}).content.decode(),
        )
        for password in ("x", "y" * 10_000)
    }
    assert len(pages) == 1


@pytest.mark.parametrize(
    "body",
    [b"email=%ff%fe&password=%00", b"email=a%00b", b"\xff\xfe", b"email", b"=&=&", b"", b"%zz=%"],
)
def test_bad_bytes_in_a_form_are_never_a_crash(browser: Browser, stub: Stub, body: bytes) -> None:
    stub.answers["POST /v1/login"] = problem("invalid-credentials", 401)
    answer = browser.send(
        "POST",
        "/login",
        body=body + b"&csrfmiddlewaretoken=" + browser.token().encode(),
        content_type="application/x-www-form-urlencoded",
        Sec_Fetch_Site="same-origin",
    )
    assert 400 <= answer.status_code < 500


def test_someone_signed_in_is_offered_to_continue(browser: Browser, stub: Stub) -> None:
    answer = browser.sign_in().get("/login?next=/account%3Fpage%3D2")
    assert "signed in as Ada Lovelace" in text_of(answer)
    assert 'href="/account?page=2"' in answer.content.decode()
    assert stub.calls == ["GET /v1/session?slide=false"]


@pytest.mark.parametrize("canned", [NO_SESSION, SESSION_ENDED])
def test_a_dead_cookie_at_login_gets_a_form_that_works(
    browser: Browser, stub: Stub, canned: Canned
) -> None:
    stub.answers["GET /v1/session?slide=false"] = canned
    fields = form_fields(browser.sign_in().get("/login").content.decode())
    assert browser.post("/login", {**fields, "email": "a", "password": "b"}).status_code == 302


def test_register_answers_check_your_mail(browser: Browser, stub: Stub) -> None:
    typed = {"email": "new@example.com", "password": "long enough", "name": "<b>New</b>"}
    answer = browser.post("/register", typed)
    assert answer.status_code == 202
    assert "Check your e-mail" in text_of(answer)
    assert stub.seen[0].json == {**typed}


def test_a_refused_registration_names_the_field_and_keeps_the_rest(
    browser: Browser, stub: Stub
) -> None:
    errors = {"password": ["Use at least 15 characters.", "<b>"]}
    stub.answers["POST /v1/register"] = problem("invalid-request", 400, errors=errors)
    answer = browser.post("/register", {"email": "a@b.example", "password": "x", "name": "Al"})
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "Use at least 15 characters." in page
    assert "<b>" not in page
    assert 'aria-invalid="true"' in page
    assert form_fields(page)["name"] == "Al"


def test_the_account_says_who_and_until_when(browser: Browser, stub: Stub) -> None:
    answer = browser.sign_in().get("/account")
    page, text = answer.content.decode(), text_of(answer).replace("\xa0", " ")
    assert "Ada Lovelace" in text
    assert "5 minutes ago with your password" in text
    assert "in 1 hour" in text
    assert "in 11 hours" in text
    assert len(re.findall(r'<time datetime="\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ">', page)) == 3
    assert '<form method="post" action="/logout"' in page
    assert answer["Cache-Control"] == "no-store"
    assert "Cookie" in answer["Vary"]


def test_an_authenticated_page_costs_one_call(browser: Browser, stub: Stub) -> None:
    browser.sign_in().get("/account")
    assert stub.calls == ["GET /v1/session"]


def test_a_name_is_text_and_never_code(browser: Browser, stub: Stub) -> None:
    stub.answers["GET /v1/session"] = Canned(
        200, current_session(name="<img src=x onerror=alert(1)>")
    )
    page = browser.sign_in().get("/account").content.decode()
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page


def test_someone_without_a_name_is_shown_by_address(browser: Browser, stub: Stub) -> None:
    stub.answers["GET /v1/session"] = Canned(200, current_session(name=""))
    assert "not set" in text_of(browser.sign_in().get("/account"))


def test_an_ended_session_leads_to_login_with_a_notice(browser: Browser, stub: Stub) -> None:
    stub.answers["GET /v1/session"] = SESSION_ENDED
    answer = browser.sign_in().get("/account?page=2")
    assert answer.status_code == 302
    assert EXPIRE_SESSION in set_cookie_lines(answer)
    assert answer["Location"] == "/login?next=/account%3Fpage%3D2&notice=session-ended"
    assert "Your session has ended" in text_of(browser.get(answer["Location"]))


def test_only_auth_api_expires_the_session_cookie(browser: Browser, stub: Stub) -> None:
    stub.answers["GET /v1/session"] = NO_SESSION
    answer = browser.sign_in().get("/account")
    assert answer.status_code == 302
    assert set_cookie_lines(answer) == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"user": None, "session": None},
        {"user": [], "session": {}},
        {**current_session(), "session": {"assurance": 1}},
    ],
)
def test_a_session_without_its_fields_is_unknown_not_a_crash(
    browser: Browser, stub: Stub, body: Any
) -> None:
    stub.answers["GET /v1/session"] = Canned(200, body)
    assert browser.sign_in().get("/account").status_code == 503


def test_a_notice_from_outside_cannot_put_words_on_the_page(browser: Browser) -> None:
    page = browser.get("/login?notice=Call+0900+now").content.decode()
    assert "0900" not in page


def test_logout_by_get_only_shows_a_button(browser: Browser, stub: Stub) -> None:
    assert (
        '<form method="post" action="/logout"' in browser.sign_in().get("/logout").content.decode()
    )
    assert stub.calls == []


def test_logout_by_post_ends_the_session(browser: Browser, stub: Stub) -> None:
    answer = browser.sign_in().post("/logout")
    assert (answer.status_code, answer["Location"]) == (302, "/login?notice=signed-out")
    assert answer["Clear-Site-Data"] == '"cache", "storage"'
    assert EXPIRE_SESSION in set_cookie_lines(answer)
    assert stub.calls == ["POST /v1/logout"]
    assert "You have been signed out" in text_of(browser.get(answer["Location"]))
    assert browser.get("/account").status_code == 302


def test_logout_that_cannot_be_done_says_so(browser: Browser, auth_api_down: None) -> None:
    answer = browser.sign_in().post("/logout")
    assert answer.status_code == 503
    assert set_cookie_lines(answer) == []
    assert "Clear-Site-Data" not in answer.headers
    assert "You have not been signed out" in text_of(answer)


@pytest.mark.parametrize("path", ["/login", "/register"])
def test_password_fields_help_password_managers(browser: Browser, path: str) -> None:
    page = browser.get(path).content.decode()
    [tag] = re.findall(r'<input[^>]*name="password"[^>]*>', page)
    assert 'type="password"' in tag
    assert re.search(r'autocomplete="(current|new)-password"', tag)
    assert not re.search(r"onpaste|maxlength|value=", tag)


@pytest.mark.parametrize(
    "path", ["/login", "/register", "/logout", "/email/verify?token=x", "/account"]
)
def test_every_field_has_a_label_and_every_page_a_heading(browser: Browser, path: str) -> None:
    if path == "/account":
        browser.sign_in()
    page = browser.get(path).content.decode()
    visible = re.findall(r'<input(?![^>]*type="hidden")[^>]*id="([^"]+)"', page)
    assert bool(visible) == (path not in ("/logout", "/account"))
    assert [name for name in visible if f'<label for="{name}"' not in page] == []
    assert page.count("<h1>") == 1
    assert '<html lang="en">' in page

"""The pages of the second factor: the code at sign-in, apps, recovery codes, and a code asked again."""

import re
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.frontend_site.browser import Browser, form_fields, set_cookie_lines
from tests.frontend_site.pages.test_views import text_of
from tests.frontend_site.stub import (
    FACTOR,
    HANDLE,
    NEW_TOKEN,
    SECRET,
    SET_SESSION,
    STORE_DOWN,
    TOKEN,
    Canned,
    Stub,
    current_session,
    moment,
    problem,
    send,
)

PENDING = f"__Host-signin={TOKEN}; HttpOnly; Max-Age=600; Path=/; SameSite=Strict; Secure"
PAGE = "/account/factors"
LOGIN = {"email": "ada@example.com", "password": "a quiet harbour at dusk", "next": "/account/data"}
STEP_UP = problem("step-up-required", 403, methods=["totp"], acr="aal2", max_age=86400)
CODE = "reauthentication_code"


@pytest.fixture
def waiting(browser: Browser, stub: Stub) -> Browser:
    """A browser whose password was right."""
    said = {"pending": {"methods": ["totp"], "expires_at": "2026-03-02T08:00:00Z"}}
    stub.answers["POST /v1/login"] = Canned(200, said, (("Set-Cookie", PENDING),))
    answer = browser.post("/login", LOGIN)
    assert answer["Location"] == "/login/code?next=%2Faccount%2Fdata"
    assert [line for line in set_cookie_lines(answer) if "session" in line] == []
    return browser


def header(stub: Stub, name: str) -> str:
    return stub.seen[-1].header(name) or ""


def test_the_code_completes_the_sign_in(waiting: Browser, stub: Stub) -> None:
    csrf = waiting.cookies["__Host-csrf"]
    assert header(stub, "Gatehouse-Client-Browser") == sha256(csrf.encode()).hexdigest()
    page = waiting.get("/login/code?next=%2Faccount%2Fdata").content.decode()
    assert 'autocomplete="one-time-code"' in page
    answer = waiting.post("/login/code", {**form_fields(page), "code": "123 456"})
    assert answer["Location"] == "/account/data"
    assert SET_SESSION in set_cookie_lines(answer)
    assert header(stub, "Cookie") == f"__Host-signin={TOKEN}"
    assert header(stub, "Gatehouse-Client-Browser") == sha256(csrf.encode()).hexdigest()
    assert stub.seen[-1].json == {"method": "totp", "code": "123 456"}


def test_what_has_no_six_digits_is_a_recovery_code(waiting: Browser, stub: Stub) -> None:
    waiting.post("/login/code", {"code": "aaaa-bbbb-cccc-dddd-eeee-ffff", "next": "/"})
    assert stub.seen[-1].json["method"] == "recovery"


def test_no_other_call_gets_the_cookie_or_the_browser(waiting: Browser, stub: Stub) -> None:
    waiting.sign_in().get("/account")
    assert "__Host-signin" not in header(stub, "Cookie")
    assert header(stub, "Gatehouse-Client-Browser") == ""


def test_a_wrong_code_can_be_typed_again_and_the_last_one_starts_again(
    waiting: Browser, stub: Stub
) -> None:
    stub.answers["POST /v1/login/factor"] = problem("invalid-code", 401, tries_left=1)
    answer = waiting.post("/login/code", {"code": "123456", "next": "/account/data"})
    assert answer.status_code == 401
    assert "Incorrect or already used code. 1 attempt is left." in text_of(answer)
    assert "123456" not in form_fields(answer.content.decode()).values()
    for last in (problem("invalid-code", 401, tries_left=0), problem("sign-in-expired", 401)):
        stub.answers["POST /v1/login/factor"] = last
        answer = waiting.post("/login/code", {"code": "123456", "next": "/account/data"})
        assert answer["Location"] == "/login?notice=sign-in-expired&next=%2Faccount%2Fdata"


@pytest.fixture
def enrolling(browser: Browser, stub: Stub) -> Browser:
    """A browser whose password was right, for an account that must have an app and has none."""
    said = {
        "pending": {
            "purpose": "enrol", "methods": ["totp"], "expires_at": "2026-03-02T08:00:00Z",
        }
    }  # fmt: skip
    stub.answers["POST /v1/login"] = Canned(200, said, (("Set-Cookie", PENDING),))
    answer = browser.post("/login", LOGIN)
    assert answer["Location"] == "/login/enrol?next=%2Faccount%2Fdata"
    return browser


def test_an_account_that_must_have_an_app_adds_it_and_is_signed_in(
    enrolling: Browser, stub: Stub
) -> None:
    stub.seen.clear()
    first = enrolling.get("/login/enrol?next=%2Faccount%2Fdata").content.decode()
    assert stub.seen == []  # a GET has no effect
    csrf = enrolling.cookies["__Host-csrf"]
    page = enrolling.post("/login/enrol", form_fields(first)).content.decode()
    assert "<svg" in page
    assert page.count("<code>ABCD</code>") == 4
    assert header(stub, "Cookie") == f"__Host-signin={TOKEN}"
    assert header(stub, "Gatehouse-Client-Browser") == sha256(csrf.encode()).hexdigest()
    fields = {**form_fields(page), "name": "Tablet"}
    stub.answers["POST /v1/login/enrol/confirm"] = problem("invalid-code", 401, tries_left=4)
    wrong = enrolling.post("/login/enrol", {**fields, "code": "000000"})
    assert wrong.status_code == 401
    assert "4 attempts are left." in text_of(wrong)
    fields = form_fields(wrong.content.decode())
    assert (fields["secret"], fields["name"], fields["code"]) == (SECRET, "Tablet", "")
    stub.answers["POST /v1/login/enrol/confirm"] = Canned(
        200, current_session(), (("Set-Cookie", SET_SESSION),)
    )
    done = enrolling.post("/login/enrol", {**fields, "code": "123456"})
    assert SET_SESSION in set_cookie_lines(done)
    assert header(stub, "Cookie") == f"__Host-signin={TOKEN}"
    assert stub.seen[-1].json == {"code": "123456", "name": "Tablet"}
    assert "Create recovery codes now" not in text_of(enrolling.get(done["Location"]))
    none_left = {"items": [FACTOR], "recovery_codes_left": 0, **current_session()}
    stub.answers["GET /v1/factors"] = Canned(200, none_left)
    offer = enrolling.get(done["Location"])
    assert "Create recovery codes now" in text_of(offer)
    assert 'href="/account/data">Continue' in offer.content.decode()


def test_an_enrolment_that_is_over_starts_again(enrolling: Browser, stub: Stub) -> None:
    form = {"code": "1", "next": "/account/data"}
    over = "/login?notice=sign-in-expired&next=%2Faccount%2Fdata"
    again = "/login/enrol?next=%2Faccount%2Fdata"
    for route, sent, said, leads in (
        ("", {"next": "/account/data"}, problem("sign-in-expired", 401), over),
        ("/confirm", form, problem("sign-in-expired", 401), over),
        ("/confirm", form, problem("invalid-code", 401, tries_left=0), over),
        ("/confirm", form, problem("not-found", 404), again),
    ):
        stub.answers[f"POST /v1/login/enrol{route}"] = said
        assert enrolling.post("/login/enrol", sent)["Location"] == leads
    stub.answers["POST /v1/login/enrol"] = STORE_DOWN
    assert enrolling.post("/login/enrol", {"next": "/"}).status_code == 503


def test_the_account_shows_until_when_an_app_must_be_added(browser: Browser, stub: Stub) -> None:
    due = current_session(second_factor_by="2026-12-04T08:00:00Z")
    stub.answers["GET /v1/session"] = Canned(200, due)
    stub.answers["GET /v1/factors"] = Canned(200, {"items": [], "recovery_codes_left": 0, **due})
    browser.sign_in()
    assert "Add an authenticator app by 4 December 2026" in text_of(browser.get("/account"))
    assert "an authenticator app by 4 December 2026" in text_of(browser.get(PAGE))


def test_the_list_of_apps(browser: Browser) -> None:
    text = text_of(browser.sign_in().get(PAGE))
    assert FACTOR["name"] in text
    assert "Only 3 left." in text


def test_an_app_is_added_with_a_code(browser: Browser, stub: Stub) -> None:
    answer = browser.sign_in().post(f"{PAGE}/app", {})
    page = answer.content.decode()
    svg = re.search("<svg.*?</svg>", page, re.DOTALL)
    assert svg is not None
    assert "style=" not in svg[0]
    assert "viewBox=" in svg[0]  # else a narrow page cuts it off
    assert "data:" not in page
    assert page.count("<code>ABCD</code>") == 4
    stub.answers["POST /v1/factors/totp/confirm"] = problem("invalid-code", 401)
    wrong = browser.post(f"{PAGE}/app", {**form_fields(page), "code": "000000", "name": "Tablet"})
    assert wrong.status_code == 401
    fields = form_fields(wrong.content.decode())
    assert (fields["secret"], fields["name"]) == (SECRET, "Tablet")
    assert "<svg" in wrong.content.decode()
    stub.answers["POST /v1/factors/totp/confirm"] = Canned(
        200, current_session(), (("Set-Cookie", SET_SESSION),)
    )
    done = browser.post(f"{PAGE}/app", {**fields, "code": "123456"})
    assert done["Location"] == f"{PAGE}?done=added"


def added(browser: Browser, stub: Stub, first: dict[str, str]) -> Any:
    """Add an app from a page whose form has the fields `first`; return the list that follows."""
    page = browser.post(f"{PAGE}/app", first).content.decode()
    stub.answers["POST /v1/factors/totp/confirm"] = problem("invalid-code", 401)
    page = browser.post(f"{PAGE}/app", {**form_fields(page), "code": "000000"}).content.decode()
    stub.answers["POST /v1/factors/totp/confirm"] = Canned(200, current_session())
    done = browser.post(f"{PAGE}/app", {**form_fields(page), "code": "123456"})
    return browser.get(done["Location"])


def test_who_was_sent_here_for_a_second_factor_is_led_back(browser: Browser, stub: Stub) -> None:
    """Through a wrong code, and recovery codes, which the page proposes first."""
    none = {"items": [], "recovery_codes_left": 0, **current_session()}
    one = {**none, "items": [FACTOR]}
    stub.answers["GET /v1/factors"] = Canned(200, none)
    page = browser.sign_in().get(f"{PAGE}?next=/account/sessions").content.decode()
    assert "Continue" not in page
    stub.answers["GET /v1/factors"] = Canned(200, one)
    offer = added(browser, stub, form_fields(page))
    assert 'href="/account/sessions">Continue without recovery codes' in offer.content.decode()
    codes = browser.post(f"{PAGE}/codes", form_fields(offer.content.decode()))
    stub.answers["POST /v1/factors/recovery-codes/confirm"] = problem("invalid-code", 401)
    codes = browser.post(f"{PAGE}/codes", {**form_fields(codes.content.decode()), "code": "x"})
    stub.answers["POST /v1/factors/recovery-codes/confirm"] = Canned(204, b"")
    done = browser.post(f"{PAGE}/codes", {**form_fields(codes.content.decode()), "code": "y"})
    assert done["Location"] == f"{PAGE}?done=codes&next=/account/sessions"
    stub.answers["GET /v1/factors"] = Canned(200, {**one, "recovery_codes_left": 10})
    assert 'href="/account/sessions">Continue</a>' in browser.get(done["Location"]).content.decode()


@pytest.mark.parametrize(
    "wanted", ["//evil.example", "https://evil.example/", "javascript:x", "/login/code"]
)
def test_it_leads_nowhere_else(browser: Browser, stub: Stub, wanted: str) -> None:
    browser.sign_in()
    for page in (
        browser.get(f"{PAGE}?{urlencode({'next': wanted})}"), added(browser, stub, {"next": wanted}),
        browser.post(f"{PAGE}/codes", {"next": wanted}), browser.post(PAGE, {"next": wanted}),
    ):  # fmt: skip
        assert page.status_code == 200
        assert wanted not in page.content.decode().partition("<main")[2]


def test_a_made_up_address_becomes_no_picture(browser: Browser, stub: Stub) -> None:
    stub.answers["POST /v1/factors/totp/confirm"] = problem("invalid-code", 401)
    form = {"code": "1", "secret": '"><b>', "uri": "https://evil.example/", "name": "<b>"}
    page = browser.sign_in().post(f"{PAGE}/app", form).content.decode()
    assert "<svg class" not in page.partition("<main")[2]
    assert '"><b>' not in page


def test_recovery_codes_are_shown_saved_and_confirmed(browser: Browser, stub: Stub) -> None:
    page = browser.sign_in().post(f"{PAGE}/codes", {}).content.decode()
    assert page.count("<li><code>AAAA-") == 10
    fields = form_fields(page)
    file = browser.post(f"{PAGE}/codes/file", {"codes": fields["codes"]})
    assert file["Content-Disposition"] == 'attachment; filename="recovery-codes.txt"'
    assert len(file.content.splitlines()) == 10
    stub.answers["POST /v1/factors/recovery-codes/confirm"] = problem("invalid-code", 401)
    wrong = browser.post(f"{PAGE}/codes", {**fields, "code": "x"})
    assert wrong.status_code == 401
    assert "That is not one of these codes." in text_of(wrong)
    assert form_fields(wrong.content.decode())["codes"] == fields["codes"]
    stub.answers["POST /v1/factors/recovery-codes/confirm"] = Canned(204, b"")
    assert (
        browser.post(f"{PAGE}/codes", {**fields, "code": "x"})["Location"] == f"{PAGE}?done=codes"
    )


def test_an_app_is_removed_and_renamed(browser: Browser, stub: Stub) -> None:
    browser.sign_in()
    assert browser.post(PAGE, {"remove": HANDLE})["Location"] == f"{PAGE}?done=removed"
    renamed = browser.post(PAGE, {"rename": HANDLE, "name": "Tablet"})
    assert renamed["Location"] == f"{PAGE}?done=renamed"
    assert stub.seen[-1].json == {"name": "Tablet"}


@pytest.mark.parametrize(
    ("call", "page", "form"),
    [
        ("POST /v1/factors/totp", f"{PAGE}/app", {}),
        ("POST /v1/factors/recovery-codes", f"{PAGE}/codes", {}),
        (f"PATCH /v1/factors/{HANDLE}", PAGE, {"rename": HANDLE, "name": "Tablet"}),
    ],
)
def test_who_changes_too_often_is_told_how_long_to_wait(
    browser: Browser, stub: Stub, call: str, page: str, form: dict[str, str]
) -> None:
    stub.answers[call] = problem("throttled", 429, ("Retry-After", "600"))
    answer = browser.sign_in().post(page, form)
    assert answer.status_code == 429
    assert "Wait 10 minutes" in text_of(answer)


def test_a_refused_name_is_marked_where_it_was_typed(browser: Browser, stub: Stub) -> None:
    browser.sign_in()
    refusal = problem("invalid-request", 400, errors={"name": ["Remove invisible characters."]})
    stub.answers[f"PATCH /v1/factors/{HANDLE}"] = refusal
    page = browser.post(PAGE, {"rename": HANDLE, "name": "Tab\u202elet"}).content.decode()
    assert '<a href="#id_name">Name</a>: Remove invisible characters.' in page
    assert re.search(r'<details open>(?s:.)*<input id="id_name"[^>]* value="Tab\u202elet"', page)


def test_a_code_is_asked_for_and_what_was_asked_is_completed(browser: Browser, stub: Stub) -> None:
    def answer(handler: Any) -> None:
        renewed = NEW_TOKEN in (handler.headers["Cookie"] or "")
        send(handler, Canned(204, b"") if renewed else STEP_UP)

    stub.answers[f"DELETE /v1/factors/{HANDLE}"] = answer
    asked = browser.sign_in().post(PAGE, {"remove": HANDLE})
    assert asked.status_code == 403
    fields = form_fields(asked.content.decode())
    assert "reauthentication_password" not in fields
    done = browser.post(PAGE, {**fields, CODE: "123456"})
    assert done["Location"] == f"{PAGE}?done=removed"
    reauthentication = next(c for c in stub.seen if c.path == "/v1/reauthenticate")
    assert reauthentication.json == {"method": "totp", "code": "123456"}


@pytest.mark.parametrize("path", ["/account/email", "/account/data", "/account/delete", PAGE])
def test_in_the_day_after_a_recovery_code_the_form_says_until_when(
    browser: Browser, stub: Stub, path: str
) -> None:
    listed = {"items": [FACTOR], "recovery_codes_left": 3, **current_session()}
    assert "recovery code was used" not in text_of(browser.sign_in().get(path))
    until = {"recovery_hold_until": moment(7140.0)}
    stub.answers["GET /v1/factors"] = Canned(200, {**listed, **until})
    stub.seen.clear()
    page = browser.get(path)
    assert "(in 1 hour, 59 minutes)" in text_of(page)
    assert " disabled>" in page.content.decode()
    assert stub.calls == ["GET /v1/factors"]


def test_in_the_day_after_a_recovery_code_the_page_says_so(browser: Browser, stub: Stub) -> None:
    stub.answers["DELETE /v1/account"] = problem("recovery-hold", 403, retry_after=80000)
    answer = browser.sign_in().post("/account/delete", {})
    assert answer.status_code == 403
    assert "in the last 24 hours" in text_of(answer)

"""An act that wants the password again: the page asks, and completes what was asked for."""

from http.server import BaseHTTPRequestHandler

import pytest

from tests.frontend_site.browser import Browser, form_fields, set_cookie_lines
from tests.frontend_site.pages.test_views import text_of
from tests.frontend_site.stub import (
    EXPIRE_SESSION,
    HANDLE,
    NEW_TOKEN,
    RETRY_SOON,
    SESSION_ENDED,
    SET_SESSION,
    STORE_DOWN,
    TOKEN,
    USER,
    Canned,
    Stub,
    current_session,
    problem,
    send,
)

DELETE = f"DELETE /v1/sessions/{HANDLE}"
OTHERS = "POST /v1/sessions/revoke-others"
PATH = "/account/sessions"
PASSWORD = "reauthentication_password"
REQUIRED = problem("reauthentication-required", 403)


@pytest.fixture
def stale(stub: Stub) -> Stub:
    """auth_api wants the password again, from the old token only."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        renewed = NEW_TOKEN in (handler.headers["Cookie"] or "")
        done = Canned(204, b"") if handler.command == "DELETE" else Canned(200, {"revoked": 2})
        send(handler, done if renewed else REQUIRED)

    stub.answers |= {DELETE: answer, OTHERS: answer}
    return stub


def asked(browser: Browser, **form: str) -> dict[str, str]:
    """Send a form, and return the fields of the page that asks for the password."""
    answer = browser.sign_in().post(PATH, form)
    assert answer.status_code == 403
    return form_fields(answer.content.decode())


def test_the_page_asks_for_the_password_only_and_keeps_the_form(
    browser: Browser, stale: Stub
) -> None:
    answer = browser.sign_in().post(PATH, {"end": HANDLE, "note": '"><b>'})
    page, fields = answer.content.decode(), form_fields(answer.content.decode())
    assert "Confirm that it is you" in text_of(answer)
    assert "signed in as ada@example.com" in text_of(answer)
    assert (fields["end"], fields["note"], fields[PASSWORD]) == (HANDLE, '"><b>', "")
    assert "<b>" not in page
    assert page.count('type="password"') == 1
    assert page.count("csrfmiddlewaretoken") == page.count('action="') == 2  # and "Sign out"
    assert f'action="{PATH}"' in page


def test_the_right_password_completes_what_was_asked_in_the_same_request(
    browser: Browser, stale: Stub
) -> None:
    fields = asked(browser, end=HANDLE)
    stale.seen.clear()
    answer = browser.post(PATH, {**fields, PASSWORD: " my password "})
    assert (answer.status_code, answer["Location"]) == (302, f"{PATH}?ended=one")
    assert stale.calls == ["POST /v1/reauthenticate", DELETE]
    assert stale.seen[0].json == {"password": " my password "}
    assert [NEW_TOKEN in str(seen.header("Cookie")) for seen in stale.seen] == [False, True]
    assert SET_SESSION in set_cookie_lines(answer)
    assert browser.cookies["__Host-session"] == NEW_TOKEN
    assert "That session has ended" in text_of(browser.get(answer["Location"]))


REFUSALS = [
    (problem("invalid-credentials", 401), 401, "Incorrect password"),
    (problem("throttled", 429, ("Retry-After", "30"), retry_after=30), 429, "Wait 30 seconds"),
    (problem("invalid-request", 400, errors={"password": ["At most 128."]}), 400, "At most 128."),
    (problem("overloaded", 503, ("Retry-After", "5")), 503, "cannot check that right now"),
    (STORE_DOWN, 503, "cannot check that right now"),
]


@pytest.mark.parametrize(("canned", "status", "words"), REFUSALS)
def test_a_refused_password_shows_the_form_again_and_does_nothing(
    browser: Browser, stale: Stub, canned: Canned, status: int, words: str
) -> None:
    fields = asked(browser, end=HANDLE)
    stale.answers["POST /v1/reauthenticate"] = canned
    stale.seen.clear()
    answer = browser.post(PATH, {**fields, PASSWORD: "hunter2"})
    assert answer.status_code == status
    assert words in text_of(answer)
    assert b"hunter2" not in answer.content
    again = form_fields(answer.content.decode())
    assert (again["end"], again[PASSWORD]) == (HANDLE, "")
    assert DELETE not in stale.calls
    assert ("Retry-After" in answer.headers) == (status in (429, 503))
    assert set_cookie_lines(answer) == []
    stale.answers["POST /v1/reauthenticate"] = Canned(
        200, current_session(), (("Set-Cookie", SET_SESSION),)
    )
    assert browser.post(PATH, {**again, PASSWORD: "right"}).status_code == 302


def test_the_form_is_kept_when_auth_api_is_down(browser: Browser, auth_api_down: None) -> None:
    answer = browser.sign_in().post(PATH, {"end": HANDLE, PASSWORD: "x"})
    assert (answer.status_code, answer["Retry-After"]) in RETRY_SOON
    assert form_fields(answer.content.decode())["end"] == HANDLE


def test_an_outage_after_the_password_was_right_signs_nobody_out(
    browser: Browser, stale: Stub
) -> None:
    """The old token is dead by then: the answer must bring the new one, and forms that fit it."""
    fields = asked(browser, end=HANDLE)
    stale.answers[DELETE] = STORE_DOWN
    answer = browser.post(PATH, {**fields, PASSWORD: "right"})
    assert answer.status_code == 503
    assert browser.cookies["__Host-session"] == NEW_TOKEN
    stale.reset()
    assert browser.post(PATH, {"end": HANDLE}).status_code == 302


def test_a_session_that_ended_meanwhile_leads_to_login(browser: Browser, stale: Stub) -> None:
    fields = asked(browser, end=HANDLE)
    stale.answers["POST /v1/reauthenticate"] = SESSION_ENDED
    answer = browser.post(PATH, {**fields, PASSWORD: "right"})
    assert answer["Location"].startswith("/login?next=/account/sessions&notice=session-ended")
    assert EXPIRE_SESSION in set_cookie_lines(answer)


def test_a_form_that_was_about_another_account_is_not_completed(
    browser: Browser, stale: Stub
) -> None:
    """Another tab signed in somebody else, and the script gave this form the new token."""
    fields = asked(browser, end=HANDLE)
    other = {**current_session(), "user": {**USER, "id": "another", "email": "bob@example.com"}}
    stale.answers |= {
        "POST /v1/reauthenticate": Canned(200, other, (("Set-Cookie", SET_SESSION),)),
        "GET /v1/session?slide=false": Canned(200, other),
    }
    answer = browser.post(PATH, {**fields, PASSWORD: "bobs"})
    assert "since signed in to another account" in text_of(answer)
    assert "bob@example.com" in text_of(answer)
    assert stale.calls.count(DELETE) == 1  # the one that asked
    assert form_fields(answer.content.decode())["reauthentication_account"] == "another"


@pytest.mark.parametrize("end", ["../../admin", "x" * 16, "", "a?b", "others "])
def test_a_changed_form_is_no_more_than_the_user_could_send(
    browser: Browser, stale: Stub, end: str
) -> None:
    fields = asked(browser, end=HANDLE)
    stale.seen.clear()
    answer = browser.post(PATH, {**fields, "end": end, PASSWORD: "right"})
    assert answer.status_code == 404
    # A valid handle is passed on, and auth_api has no such session; anything else makes no call.
    ended = [f"DELETE /v1/sessions/{end}"] if end == "x" * 16 else []
    assert [call for call in stale.calls if "/v1/sessions" in call] == ended


def test_the_kept_form_still_needs_its_csrf_token(browser: Browser, stale: Stub) -> None:
    fields = asked(browser, end=HANDLE)
    stale.seen.clear()
    answer = browser.post(PATH, {**fields, PASSWORD: "right", "csrfmiddlewaretoken": "x"})
    assert answer.status_code == 403
    assert stale.calls == []


@pytest.mark.parametrize("path", ["/login", "/register", "/logout"])
def test_public_pages_take_no_such_password(browser: Browser, stub: Stub, path: str) -> None:
    browser.sign_in(TOKEN).post(path, {PASSWORD: "x"})
    assert "POST /v1/reauthenticate" not in stub.calls

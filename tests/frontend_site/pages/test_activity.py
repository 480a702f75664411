"""Your security log, as a page."""

import re
from typing import Any

import pytest

from tests.frontend_site.browser import Browser, set_cookie_lines
from tests.frontend_site.pages.test_views import text_of
from tests.frontend_site.stub import HANDLE, SESSION_ENDED, STORE_DOWN, Canned, Stub, moment

PATH = "/account/activity"


def event(kind: str, **changes: Any) -> dict[str, Any]:
    return {
        "event": kind,
        "at": moment(-200),
        "first_at": moment(-200),
        "count": 1,
        "by": "owner",
        "ip": "198.51.100.4",
        "user_agent": "Firefox 160 on Windows",
        "handle": HANDLE,
        "request_id": "r" * 16,
        "reason": "",
        **changes,
    }


def shown(browser: Browser, stub: Stub, *events: Any) -> Any:
    stub.answers["GET /v1/security-events"] = Canned(200, {"items": list(events)})
    return browser.sign_in().get(PATH)


def test_each_event_is_words_a_time_a_device_and_a_place(browser: Browser, stub: Stub) -> None:
    answer = shown(browser, stub, event("session.started"), event("password.changed"))
    text = text_of(answer).replace("\xa0", " ")
    assert text.index("Signed in 3 minutes ago") < text.index("Password changed")
    assert "3 minutes ago · Firefox 160 on Windows · 198.51.100.4" in text
    assert len(re.findall(r'<time data-ago [^>]*title="[^"]* UTC"', answer.content.decode())) == 2
    assert stub.calls == ["GET /v1/security-events"]


def test_failures_are_one_line_with_their_number(browser: Browser, stub: Stub) -> None:
    many = event("login.failed", count=57, first_at=moment(-7000), ip="", user_agent="")
    text = text_of(shown(browser, stub, many))
    assert re.search(r"Failed sign-in 57 times since \d", text)
    assert "several addresses" in text


@pytest.mark.parametrize(("by", "words"), [("staff", "by our staff"), ("system", "operators")])
def test_it_says_who_else_did_it(browser: Browser, stub: Stub, by: str, words: str) -> None:
    text = text_of(shown(browser, stub, event("account.deactivated", by=by, ip="", user_agent="")))
    assert words in text


def test_the_reason_of_staff_is_not_taken_for_a_new_device(browser: Browser, stub: Stub) -> None:
    known = event("account.unlocked", by="staff", reason="called about a new device")
    new = event("session.started", reason="new device")
    assert text_of(shown(browser, stub, known, new)).count("new device") == 1


def test_a_kind_that_this_page_does_not_know_is_shown_by_its_name(
    browser: Browser, stub: Stub
) -> None:
    assert "passkey.added" in text_of(shown(browser, stub, event("passkey.added")))


def test_a_device_is_text_and_never_code(browser: Browser, stub: Stub) -> None:
    page = shown(browser, stub, event("session.started", user_agent="<script>x")).content.decode()
    assert "<script>x" not in page


def test_nothing_yet(browser: Browser, stub: Stub) -> None:
    assert "Nothing yet" in text_of(shown(browser, stub))


def test_without_a_session_it_leads_to_login(browser: Browser, stub: Stub) -> None:
    assert browser.get(PATH)["Location"] == f"/login?next={PATH}"
    stub.answers["GET /v1/security-events"] = SESSION_ENDED
    assert "notice=session-ended" in browser.sign_in().get(PATH)["Location"]


@pytest.mark.parametrize("canned", [STORE_DOWN, Canned(200, {}), Canned(200, {"items": [{}]})])
def test_what_nobody_can_tell_is_a_503_and_touches_no_cookie(
    browser: Browser, stub: Stub, canned: Canned
) -> None:
    stub.answers["GET /v1/security-events"] = canned
    answer = browser.sign_in().get(PATH)
    assert answer.status_code == 503
    assert set_cookie_lines(answer) == []

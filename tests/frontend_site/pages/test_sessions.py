"""Your sessions: where the account is signed in, and ending that, without JavaScript."""

import re
from typing import Any

import pytest

from tests.frontend_site.browser import Browser, form_fields, set_cookie_lines
from tests.frontend_site.pages.test_views import text_of
from tests.frontend_site.stub import (
    EXPIRE_SESSION,
    HANDLE,
    SESSION_ENDED,
    STORE_DOWN,
    Canned,
    Stub,
    assurance,
    current_session,
    moment,
    problem,
)

PATH = "/account/sessions"
DELETE = f"DELETE /v1/sessions/{HANDLE}"


def listed(**changes: Any) -> dict[str, Any]:
    session: dict[str, Any] = current_session()["session"]
    device = {"current": False, "ip": "198.51.100.4", "user_agent": "Firefox 160 on Windows"}
    return {**session, **device, **changes}


@pytest.fixture
def two(stub: Stub) -> Stub:
    here = listed(
        handle="c" * 16, current=True, user_agent="Chrome 156 on Linux", ip="2001:db8::7",
        assurance=assurance("aal2"),
    )  # fmt: skip
    other = listed(last_seen_at=moment(-200), created_at=moment(-7300), remember=True)
    stub.answers["GET /v1/sessions"] = Canned(200, {"items": [here, other]})
    return stub


def test_each_session_is_a_device_a_place_and_a_time(browser: Browser, two: Stub) -> None:
    answer = browser.sign_in().get(PATH)
    page, text = answer.content.decode(), text_of(answer).replace("\xa0", " ")
    assert text.index("Chrome 156 on Linux") < text.index("Firefox 160 on Windows")
    assert "this device" in text
    assert "2001:db8::7" in text
    assert "198.51.100.4 · last seen 3 minutes ago · signed in 2 hours ago" in text
    assert "kept signed in" in text
    assert text.index("second factor") < text.index("Firefox")
    assert text.count("second factor") == 1
    assert len(re.findall(r'<time data-ago [^>]*title="[^"]* UTC"', page)) == 4
    assert two.calls == ["GET /v1/sessions"]


def test_ending_one_and_ending_the_others(browser: Browser, two: Stub) -> None:
    page = browser.sign_in().get(PATH).content.decode()
    assert re.findall(r'name="end" value="([^"]+)"', page) == [HANDLE, "others"]
    answer = browser.post(PATH, {"end": HANDLE})
    assert (answer.status_code, answer["Location"]) == (302, f"{PATH}?ended=one")
    answer = browser.post(PATH, {"end": "others"})
    assert (answer.status_code, answer["Location"]) == (302, f"{PATH}?ended=others")
    assert two.calls[1:] == [DELETE, "POST /v1/sessions/revoke-others"]


def test_ending_this_browsers_own_session_signs_out(browser: Browser, stub: Stub) -> None:
    stub.answers[DELETE] = Canned(204, b"", (("Set-Cookie", EXPIRE_SESSION),))
    answer = browser.sign_in().post(PATH, {"end": HANDLE})
    assert answer["Location"] == "/login?notice=signed-out"
    assert answer["Clear-Site-Data"] == '"cache", "storage"'
    assert "__Host-session" not in browser.cookies


@pytest.mark.parametrize("end", ["s" * 16, "..", "../../admin/x", "", "a b", "h" * 17])
def test_a_strangers_handle_and_no_handle_are_the_same_404(
    browser: Browser, stub: Stub, end: str
) -> None:
    answer = browser.sign_in().post(PATH, {"end": end})
    assert answer.status_code == 404
    assert set(stub.calls) <= {f"DELETE /v1/sessions/{'s' * 16}"}


def test_a_single_session_has_no_others_to_end(browser: Browser, stub: Stub) -> None:
    stub.answers["GET /v1/sessions"] = Canned(200, {"items": [listed(current=True)]})
    page = browser.sign_in().get(PATH).content.decode()
    assert "End all other sessions" not in page
    assert "end" not in form_fields(page)


def test_a_device_name_is_text_and_never_code(browser: Browser, stub: Stub) -> None:
    stub.answers["GET /v1/sessions"] = Canned(200, {"items": [listed(user_agent="<script>x")]})
    assert "<script>x" not in browser.sign_in().get(PATH).content.decode()


def test_an_ended_session_leads_to_login_and_back(browser: Browser, stub: Stub) -> None:
    stub.answers["GET /v1/sessions"] = SESSION_ENDED
    answer = browser.sign_in().get(PATH)
    assert answer["Location"] == "/login?next=/account/sessions&notice=session-ended"


@pytest.mark.parametrize(
    "canned",
    [
        STORE_DOWN,
        problem("internal-error", 500),
        Canned(200, {}),
        Canned(200, {"items": [1]}),
        Canned(200, {"items": [listed(created_at=None)]}),
    ],
)
def test_what_nobody_can_tell_is_a_503_and_touches_no_cookie(
    browser: Browser, stub: Stub, canned: Canned
) -> None:
    stub.answers["GET /v1/sessions"] = canned
    answer = browser.sign_in().get(PATH)
    assert answer.status_code == 503
    assert set_cookie_lines(answer) == []


def test_a_notice_is_one_of_ours(browser: Browser, two: Stub) -> None:
    assert "have ended" in text_of(browser.sign_in().get(f"{PATH}?ended=others"))
    assert "0900" not in text_of(browser.get(f"{PATH}?ended=call+0900"))

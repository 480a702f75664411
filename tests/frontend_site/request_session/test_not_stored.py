"""What cannot be stored in `request.session`: of ended sessions, of strangers, and in an outage."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from frontend_site.site_request import SiteRequest
from tests.frontend_site.browser import Browser, set_cookie_lines
from tests.frontend_site.request_session.site import USE, WRITE, acts, committed, opened, writes
from tests.frontend_site.stub import (
    EXPIRE_SESSION,
    RETRY_SOON,
    SESSION_ENDED,
    STORE_DOWN,
    Canned,
    Stub,
    current_session,
    problem,
)


def test_a_session_that_has_ended_meanwhile_leads_to_sign_in(
    browser: Browser, stub: Stub, kept: dict[str, Any]
) -> None:
    stub.answers[WRITE] = SESSION_ENDED
    answer = opened(browser, writes)
    assert answer["Location"] == "/login?next=/page&notice=session-ended"
    assert EXPIRE_SESSION in set_cookie_lines(answer)
    answer = opened(browser, writes, "/api/call")
    assert (answer.status_code, answer.json()["type"]) == (
        401,
        "urn:gatehouse:problem:session-ended",
    )
    answer = opened(browser, writes, "/api/poll")
    assert answer.status_code == 401
    # The answer to a poll may come after a sign-in in another tab.
    assert EXPIRE_SESSION not in set_cookie_lines(answer)
    assert committed == ["by the view"] * 3


@pytest.mark.parametrize("address", ["/page", "/api/call"])
@pytest.mark.parametrize("answer", [STORE_DOWN, problem("invalid-request", 400)])
def test_when_it_is_unknown_whether_it_is_stored_the_answer_is_503(
    browser: Browser, stub: Stub, kept: dict[str, Any], address: str, answer: Canned
) -> None:
    stub.answers[WRITE] = answer
    found = opened(browser, writes, address)
    assert (found.status_code, found["Retry-After"]) in RETRY_SOON
    assert set_cookie_lines(found) == []
    assert committed == ["by the view"]


def test_data_that_nobody_can_read_are_unknown(browser: Browser, stub: Stub) -> None:
    stub.answers[USE] = Canned(200, {**current_session(), "site_data": ["x"]})
    assert opened(browser, lambda request: len(request.session)).status_code == 503


def test_on_a_public_page_unknown_is_503_where_it_is_used(browser: Browser, stub: Stub) -> None:
    stub.answers[USE] = STORE_DOWN
    assert opened(browser, lambda request: None, "/public").status_code == 200
    assert opened(browser, writes, "/public").status_code == 503


def test_strangers_have_none_and_developers_are_told(
    browser: Browser, stub: Stub, kept: dict[str, Any]
) -> None:
    def write(request: SiteRequest) -> Any:
        assert request.session.is_empty()
        request.session["theme"] = "dark"
        return request.session["theme"]

    acts[:] = [write]
    with capture_logs() as logs:
        assert browser.get("/public").json() == {"found": "dark"}
        assert browser.get("/public").json() == {"found": "dark"}
    assert stub.calls == []
    assert [line["event"] for line in logs] == ["session.not_stored"] * 2
    stub.answers[USE] = SESSION_ENDED
    assert opened(browser, write, "/public").json() == {"found": "dark"}
    assert stub.calls == [USE]


def test_in_production_strangers_fill_no_log(browser: Browser, options: Any) -> None:
    options(environment="production", public_origin="http://testserver")
    acts[:] = [writes]
    with capture_logs() as logs:
        assert browser.get("/public").status_code == 200
    assert logs == []

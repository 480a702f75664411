"""Django's messages, which `request.session` keeps."""

from typing import Any

from structlog.testing import capture_logs

from tests.frontend_site.browser import Browser
from tests.frontend_site.request_session.site import BOTH, USE
from tests.frontend_site.stub import (
    Stub,
)


def test_messages_reach_the_next_page_once(
    browser: Browser, stub: Stub, kept: dict[str, Any]
) -> None:
    browser.sign_in()
    assert browser.get("/tell").status_code == 302
    assert stub.calls == BOTH
    assert browser.get("/read").json() == {"messages": ["Saved."]}
    assert kept == {}
    stub.seen.clear()
    assert browser.get("/read").json() == {"messages": []}
    assert stub.calls == [USE]


def test_messages_to_strangers_are_dropped_with_a_warning(
    browser: Browser, stub: Stub, kept: dict[str, Any]
) -> None:
    with capture_logs() as logs:
        assert browser.get("/tell/public").status_code == 302
    assert [line["event"] for line in logs] == ["session.not_stored"]
    assert stub.calls == []

"""What a private page carries, so that its scripts need not ask."""

import re

import pytest

from tests.frontend_site.browser import Browser
from tests.frontend_site.stub import HANDLE, STORE_DOWN, USER, Canned, Stub, current_session, moment

PEEK = "GET /v1/session?slide=false"
PAGES = {
    "/account": "GET /v1/session",
    "/account/password": "GET /v1/session",
    "/account/sessions": "GET /v1/sessions",
    "/account/activity": "GET /v1/security-events",
}


def carried(page: str) -> dict[str, str]:
    """The data- attributes of the page's body."""
    [body] = re.findall("<body ([^>]*)>", page)
    return dict(re.findall(r'data-([a-z]+)(?:="([^"]*)")?', body))


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(
    ("idle", "absolute", "final"), [(3600, 43000, False), (43000, 3600, True), (3600, 3600, True)]
)
def test_it_carries_whose_session_it_is_and_its_end(
    browser: Browser, stub: Stub, path: str, idle: int, absolute: int, final: bool
) -> None:
    body = current_session()
    times = {"idle_expires_at": moment(idle), "absolute_expires_at": moment(absolute)}
    body["session"] |= times
    stub.answers[PAGES[path]] = Canned(200, {"items": [], **body})
    found = carried(browser.sign_in().get(path).content.decode())
    assert stub.calls == [PAGES[path]]
    assert 3595 < int(found.pop("left")) <= 3600
    expected = {"private": "", "user": USER["id"], "handle": HANDLE, "ends": min(times.values())}
    assert found == expected | ({"final": ""} if final else {})


def test_a_page_that_does_not_know_carries_nothing(browser: Browser, stub: Stub) -> None:
    """It asks for the password while auth_api cannot tell who is there."""
    stub.answers["POST /v1/reauthenticate"] = stub.answers[PEEK] = STORE_DOWN
    fields = {"reauthentication_password": "x", "end": HANDLE}
    page = browser.sign_in().post("/account/sessions", fields).content.decode()
    assert carried(page) == {"private": ""}


def test_public_pages_carry_nothing(browser: Browser) -> None:
    assert carried(browser.sign_in().get("/").content.decode()) == {}

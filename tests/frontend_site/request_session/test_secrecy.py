"""No browser sees what `request.session` keeps."""

from typing import Any

from django.http import HttpResponse

from frontend_site.backend.session_check import call_auth_api
from frontend_site.proxy.headers import browser_response
from frontend_site.site_request import SiteRequest
from tests.frontend_site.browser import Browser
from tests.frontend_site.request_session.site import opened
from tests.frontend_site.stub import (
    Stub,
)


def test_no_call_of_a_browser_shows_it(
    browser: Browser, stub: Stub, kept: dict[str, Any], settings: Any
) -> None:
    kept["secret"] = "secret-value"
    settings.ROOT_URLCONF = "frontend_site.urls"
    browser.sign_in()
    for address in ("/api/auth/session", "/api/auth/session?slide=false"):
        assert b"secret" not in browser.call("GET", address, Gatehouse_Site_Data="1").content
        assert stub.seen[-1].header("Gatehouse-Site-Data") is None
    for method in ("GET", "PATCH", "POST"):
        assert browser.call(method, "/api/auth/session/data").status_code == 404
    assert b"secret" not in browser.get("/account").content
    assert stub.seen[-1].header("Gatehouse-Site-Data") == "1"


def test_an_answer_that_has_it_cannot_be_passed_on(
    browser: Browser, stub: Stub, kept: dict[str, Any]
) -> None:
    kept["secret"] = "secret-value"

    def pass_on(request: SiteRequest) -> HttpResponse:
        return browser_response(call_auth_api(request, "page-session"))

    answer = opened(browser, pass_on)
    assert answer.status_code == 500
    assert b"secret" not in answer.content


def test_nothing_shows_it_by_its_repr(browser: Browser, stub: Stub, kept: dict[str, Any]) -> None:
    kept["secret"] = "secret-value"
    answer = opened(browser, lambda r: f"{r.session!r} {r.session_check!r}")
    assert b"secret" not in answer.content

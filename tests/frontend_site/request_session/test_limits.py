"""What `request.session` refuses: what is not JSON, what is too large, and what would only seem to sign out."""

from typing import Any

import pytest
from django.test import Client

from frontend_site.site_request import SiteRequest
from gatehouse.site_data import LIMIT, SiteDataTooLarge
from tests.frontend_site.browser import Browser
from tests.frontend_site.request_session.site import USE, WRITE, committed, opened, writes
from tests.frontend_site.stub import (
    TOKEN,
    Stub,
    problem,
)


@pytest.mark.parametrize(
    "value", [{1, 2}, object(), float("nan"), "\ud800", [[[b"x"]]]], ids=lambda v: type(v).__name__
)
def test_what_is_not_json_is_refused_where_it_is_set_and_where_it_is_stored(
    browser: Browser, stub: Stub, kept: dict[str, Any], value: Any
) -> None:
    def assign(request: SiteRequest) -> None:
        with pytest.raises(TypeError, match="'basket'"):
            request.session["basket"] = value
        request.session["basket"] = ["set"]
        request.session["basket"].append(value)

    assert opened(browser, assign).status_code == 500
    assert stub.calls == [USE]
    assert committed == ["by the view"]
    with pytest.raises(TypeError, match=r"request\.session\['basket'\] is not JSON"):
        open_as_a_developer()


def open_as_a_developer() -> None:
    """Open the page with a test client that raises, as a developer's does."""
    client = Client(HTTP_COOKIE=f"__Host-session={TOKEN}", HTTP_SEC_FETCH_SITE="same-origin")
    client.get("/page")


def test_keys_are_text(browser: Browser, kept: dict[str, Any]) -> None:
    def assign(request: SiteRequest) -> None:
        with pytest.raises(TypeError, match="keys"):
            request.session[1] = "x"  # type: ignore[index]

    assert opened(browser, assign).status_code == 200


@pytest.mark.parametrize("address", ["/page", "/api/call"])
def test_what_is_too_large_is_an_error_and_nothing_is_cut_off(
    browser: Browser, stub: Stub, kept: dict[str, Any], address: str
) -> None:
    fits = "ä" * ((LIMIT - len('{"text":""}')) // 2)
    assert opened(browser, lambda r: r.session.update(text=fits), address).status_code == 200
    assert kept == {"text": fits}
    stub.seen.clear()
    answer = opened(browser, lambda r: r.session.update(text=fits + "xx"), address)
    assert answer.status_code == 500
    assert stub.calls == [USE]
    with pytest.raises(SiteDataTooLarge, match="16 KiB"):
        open_as_a_developer()


def test_what_another_request_has_made_too_large_is_an_error_too(
    browser: Browser, stub: Stub, kept: dict[str, Any]
) -> None:
    stub.answers[WRITE] = problem("site-data-too-large", 413)
    assert opened(browser, writes).status_code == 500
    with pytest.raises(SiteDataTooLarge):
        open_as_a_developer()


@pytest.mark.parametrize("method", ["flush", "cycle_key"])
def test_what_would_only_seem_to_sign_out_is_refused(
    browser: Browser, kept: dict[str, Any], method: str
) -> None:
    def act(request: SiteRequest) -> None:
        with pytest.raises(NotImplementedError):
            getattr(request.session, method)()

    assert opened(browser, act).status_code == 200

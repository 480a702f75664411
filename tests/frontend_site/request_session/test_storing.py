"""`request.session` on the site: read with the validation, stored by one call after the view."""

from typing import Any

import pytest

from frontend_site.pages.backend_calls import ask
from frontend_site.site_request import SiteRequest
from tests.frontend_site.browser import Browser
from tests.frontend_site.request_session.site import BOTH, PEEK, USE, WRITE, opened, writes
from tests.frontend_site.stub import (
    TOKEN,
    Canned,
    Stub,
    current_session,
)


def test_it_comes_with_the_validation_and_a_view_that_does_not_change_it_costs_no_call(
    browser: Browser, stub: Stub, kept: dict[str, Any]
) -> None:
    kept["basket"] = [1, {"of": "books"}]
    answer = opened(browser, lambda request: [*request.session["basket"], len(request.session)])
    assert answer.json() == {"found": [1, {"of": "books"}, 1]}
    assert stub.calls == [USE]


def test_a_change_is_stored_by_one_call_with_its_keys_only(
    browser: Browser, stub: Stub, kept: dict[str, Any]
) -> None:
    kept |= {"basket": [1], "theme": "dark", "old": 1, "left": 2}

    def change(request: SiteRequest) -> None:
        session = request.session
        session["basket"].append(2)  # seen without `modified = True`
        session.update(name="Ada", left=2)
        session.setdefault("theme", "light")
        assert session.pop("old") == 1
        assert (session.get("nothing"), session.pop("nothing", 3)) == (None, 3)
        session.modified = True

    assert opened(browser, change).status_code == 200
    assert stub.calls == BOTH
    assert stub.seen[-1].json == {"changed": {"basket": [1, 2], "name": "Ada"}, "deleted": ["old"]}
    assert kept == {"basket": [1, 2], "theme": "dark", "left": 2, "name": "Ada"}
    stub.seen.clear()
    opened(browser, lambda request: request.session.clear())
    assert sorted(stub.seen[-1].json["deleted"]) == ["basket", "left", "name", "theme"]
    assert opened(browser, lambda r: (r.session.is_empty(), r.session.modified)).json() == {
        "found": [True, False]
    }


@pytest.mark.parametrize(
    ("address", "calls"),
    [
        ("/api/call", BOTH),
        ("/public", BOTH),
        ("/api/poll", [PEEK, WRITE]),
        ("/own", ["GET /v1/sessions", PEEK, WRITE]),
    ],
)
def test_every_kind_of_view_has_it(
    browser: Browser, stub: Stub, kept: dict[str, Any], address: str, calls: list[str]
) -> None:
    assert opened(browser, writes, address).status_code == 200
    assert stub.calls == calls
    assert kept in ({"theme": "dark"}, {"seen": True})


def test_the_call_carries_the_users_cookie_and_a_service_token(
    browser: Browser, stub: Stub, kept: dict[str, Any]
) -> None:
    opened(browser, writes)
    assert stub.seen[-1].header("Cookie") == f"__Host-session={TOKEN}"
    assert (stub.seen[-1].header("Authorization") or "").startswith("Bearer ")


def test_a_view_that_failed_stores_nothing(
    browser: Browser, stub: Stub, kept: dict[str, Any]
) -> None:
    def fail(request: SiteRequest) -> None:
        request.session["theme"] = "dark"
        raise RuntimeError

    assert opened(browser, fail).status_code == 500
    assert stub.calls == [USE]


def test_a_view_that_forgot_to_validate_stores_nothing(
    browser: Browser, stub: Stub, kept: dict[str, Any]
) -> None:
    assert opened(browser, lambda request: None, "/forgets").status_code == 500
    assert stub.calls == []
    # Reading the session is a call that validates it.
    assert opened(browser, writes, "/forgets").status_code == 200


def test_who_signs_out_in_the_view_leaves_nothing_behind(
    browser: Browser, stub: Stub, kept: dict[str, Any]
) -> None:
    def leave(request: SiteRequest) -> None:
        request.session["theme"] = "dark"
        ask(request, "logout", {})

    opened(browser, leave)
    assert stub.calls == [USE, "POST /v1/logout"]


def test_a_renewed_token_is_the_one_that_stores(
    browser: Browser, stub: Stub, kept: dict[str, Any]
) -> None:
    def renew(request: SiteRequest) -> None:
        request.session["theme"] = "dark"
        ask(request, "reauthenticate", {"password": "x"})

    opened(browser, renew)
    assert stub.calls == [USE, "POST /v1/reauthenticate", WRITE]
    assert "n" * 43 in (stub.seen[-1].header("Cookie") or "")


def test_nothing_moves_into_the_session_of_somebody_else(
    browser: Browser, stub: Stub, kept: dict[str, Any]
) -> None:
    other = f"__Host-session={'B' * 16}.{'b' * 43}; HttpOnly; Path=/; SameSite=Strict; Secure"
    stub.answers["POST /v1/login"] = Canned(200, current_session(), (("Set-Cookie", other),))
    stub.answers[PEEK] = Canned(200, current_session())
    kept["basket"] = ["of the first"]

    def write_before(request: SiteRequest) -> None:
        request.session["theme"] = "dark"
        ask(request, "login", {})

    opened(browser, write_before)
    assert stub.calls == [USE, "POST /v1/login"]

    def read_afterwards(request: SiteRequest) -> Any:
        assert request.session["basket"] == ["of the first"]
        ask(request, "login", {})
        return list(request.session.items())

    assert opened(browser, read_afterwards, "/public").json() == {"found": []}

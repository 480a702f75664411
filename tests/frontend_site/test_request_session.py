"""`request.session` on the site: read with the validation, stored by one call after the view."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect, JsonResponse
from django.test import Client
from django.urls import path
from structlog.testing import capture_logs

from frontend_site.backend.session_check import call_auth_api
from frontend_site.pages.backend_calls import ask
from frontend_site.proxy.headers import browser_response
from frontend_site.security.endpoints import endpoint, page
from frontend_site.site_request import SiteRequest
from frontend_site.urls import handler500
from gatehouse.site_data import LIMIT, SiteDataTooLarge
from tests.frontend_site.browser import Browser, set_cookie_lines
from tests.frontend_site.stub import (
    EXPIRE_SESSION,
    RETRY_SOON,
    SESSION_ENDED,
    STORE_DOWN,
    TOKEN,
    Canned,
    Stub,
    current_session,
    problem,
    send,
)

USE, PEEK, WRITE = "GET /v1/session", "GET /v1/session?slide=false", "PATCH /v1/session/data"
BOTH = [USE, WRITE]
Act = Callable[[SiteRequest], Any]
acts: list[Act] = []
committed: list[str] = []


def run(request: SiteRequest) -> HttpResponse:
    found = acts[0](request)
    committed.append("by the view")
    return found if isinstance(found, HttpResponse) else JsonResponse({"found": found})


@page("GET")
def plain(request: SiteRequest) -> HttpResponse:
    return run(request)


@endpoint("GET")
def call(request: SiteRequest) -> HttpResponse:
    return run(request)


@page("GET", public=True)
def public(request: SiteRequest) -> HttpResponse:
    return run(request)


@endpoint("GET", session="peek")
def poll(request: SiteRequest) -> HttpResponse:
    return run(request)


@page("GET", session="own-call")
def own_call(request: SiteRequest) -> HttpResponse:
    ask(request, "sessions")
    return run(request)


@page("GET", session="own-call")
def forgets_its_call(request: SiteRequest) -> HttpResponse:
    return run(request)


async def asynchronous(request: SiteRequest) -> HttpResponse:
    request.session["seen"] = True
    return HttpResponse("async")


def tell(request: SiteRequest) -> HttpResponse:
    messages.success(request, "Saved.")
    return HttpResponseRedirect("/read")


@page("GET", public=True)
def tell_in_public(request: SiteRequest) -> HttpResponse:
    return tell(request)


def read(request: SiteRequest) -> HttpResponse:
    return JsonResponse({"messages": [str(message) for message in messages.get_messages(request)]})


urlpatterns = [
    path("page", plain),
    path("public", public),
    path("api/call", call),
    path("api/poll", poll),
    path("own", own_call),
    path("forgets", forgets_its_call),
    path("async", asynchronous),
    path("tell", tell),
    path("tell/public", tell_in_public),
    path("read", read),
]
__all__ = ["handler500", "urlpatterns"]


@pytest.fixture(autouse=True)
def _site(settings: Any) -> Iterator[None]:
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = [
        *settings.MIDDLEWARE,
        "django.contrib.messages.middleware.MessageMiddleware",
    ]
    yield
    acts.clear()
    committed.clear()


@pytest.fixture
def kept(stub: Stub) -> dict[str, Any]:
    """What auth_api keeps: a test changes it, and sees what was changed."""
    data: dict[str, Any] = {}

    def write(handler: Any) -> None:
        change = stub.seen[-1].json
        assert change.keys() == {"changed", "deleted"}
        data.update(change["changed"])
        for key in change["deleted"]:
            data.pop(key, None)
        send(handler, Canned(204, b""))

    def read(handler: Any) -> None:
        asked = stub.seen[-1].header("Gatehouse-Site-Data") == "1"
        shown = {"site_data": data} if asked and data else {}
        send(handler, Canned(200, current_session() | shown))

    stub.answers |= {WRITE: write, USE: read, PEEK: read}
    return data


def opened(browser: Browser, act: Act, address: str = "/page") -> Any:
    acts[:] = [act]
    browser.sign_in()
    return browser.call("GET", address) if address.startswith("/api/") else browser.get(address)


def writes(request: SiteRequest) -> None:
    request.session["theme"] = "dark"


# --- a dict whose changes are stored


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
        ("/async", BOTH),
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


# --- what it cannot hold


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


# --- ended meanwhile, and unknown


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


# --- strangers


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


# --- Django's messages


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


# --- no browser sees it


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

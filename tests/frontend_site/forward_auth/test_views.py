"""/auth/verify as Traefik and Caddy ask it, and /login/continue."""

from typing import Any

import pytest

from frontend_site.settings.upstreams import parse_upstreams
from tests.auth_api.logs import logged
from tests.frontend_site.browser import Browser, set_cookie_lines
from tests.frontend_site.stub import (
    EXPIRE_SESSION,
    HANDLE,
    IDENTITY,
    NO_SESSION,
    RETRY_SOON,
    SESSION_ENDED,
    STORE_DOWN,
    TOKEN,
    USER,
    Stub,
    identity,
)

CALL = "GET /v1/identity?audience=forward-auth"
NAVIGATION = {"Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "document", "Accept": "text/html"}
FETCH = {"Sec_Fetch_Mode": "cors", "Sec_Fetch_Dest": "empty", "Sec_Fetch_Site": "same-origin"}


@pytest.fixture(autouse=True)
def app(stub: Stub, options: Any) -> None:
    from tests.frontend_site.stub import Canned

    stub.answers[CALL] = Canned(200, identity())
    options(access_rules=rules("/app/=signed-in"))


def rules(*items: str) -> Any:
    from frontend_site.settings.access_rules import parse_access_rules

    return parse_access_rules(list(items), ())


def ask(browser: Browser, uri: str = "/app/x?y=1", **headers: str) -> Any:
    given = {"X_Forwarded_Method": "GET", "X_Forwarded_Uri": uri, **headers}
    return browser.send("GET", "/auth/verify", **given)


def test_who_is_signed_in_is_told_in_headers(browser: Browser, stub: Stub) -> None:
    answer = ask(browser.sign_in(), **NAVIGATION)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer["Gatehouse-User-Id"] == USER["id"]
    assert answer["Gatehouse-User-Email"] == USER["email"]
    assert answer["Gatehouse-Session"] == HANDLE
    assert answer["Gatehouse-Identity"] == IDENTITY
    assert stub.calls == [CALL]


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ("", ""),
        ("theme=dark", "theme=dark"),
        ("t=__Host-session=1; x__Host-session=2", "t=__Host-session=1; x__Host-session=2"),
        ("__Host-admin-session=x; ;nameless; a=\xe9", "a=\xe9"),
    ],
)
def test_the_cookies_of_the_app_are_told_without_ours(
    browser: Browser, others: str, expected: str
) -> None:
    header = "; ".join(filter(None, [f"__Host-session={TOKEN}", others]))
    assert ask(browser, Cookie=header)["Cookie"] == expected


def test_cookies_are_told_to_nobody_who_is_not_signed_in(browser: Browser) -> None:
    for kind in (NAVIGATION, FETCH):
        assert "Cookie" not in ask(browser, Cookie="theme=dark", **kind).headers


def test_an_address_outside_ascii_is_encoded(browser: Browser, stub: Stub) -> None:
    from tests.frontend_site.stub import Canned

    document = identity()
    document["user"]["email"] = "j\u00f6rg@example.com"
    stub.answers[CALL] = Canned(200, document)
    assert ask(browser.sign_in())["Gatehouse-User-Email"] == "j%C3%B6rg@example.com"


@pytest.mark.parametrize("dead", [None, NO_SESSION, SESSION_ENDED])
def test_a_navigation_is_led_to_the_login_and_back(browser: Browser, stub: Stub, dead: Any) -> None:
    if dead:
        browser.sign_in()
        stub.answers[CALL] = dead
    answer = ask(browser, **NAVIGATION)
    assert answer.status_code == 302
    assert answer["Location"] == "/login/continue?next=/app/x%3Fy%3D1"
    answer = ask(browser, Accept="text/html,*/*")  # a browser without fetch metadata
    assert answer.status_code == 302


def test_nginx_takes_no_redirect(browser: Browser) -> None:
    headers = {"X_Original_Method": "GET", "X_Original_Uri": "/app/x", **NAVIGATION}
    answer = browser.send("GET", "/auth/verify?redirect=no", **headers)
    assert answer.status_code == 401
    assert answer["Gatehouse-Login"] == "/login/continue?next=/app/x"
    fetched = browser.send("GET", "/auth/verify?redirect=no", **{**headers, **FETCH})
    assert fetched.status_code == 401
    assert "Gatehouse-Login" not in fetched.headers


def test_a_fetch_gets_a_401_problem(browser: Browser, stub: Stub) -> None:
    answer = ask(browser, **FETCH)
    assert (answer.status_code, answer.json()["type"]) == (401, "urn:gatehouse:problem:no-session")
    stub.answers[CALL] = SESSION_ENDED
    answer = ask(browser.sign_in(), **FETCH)
    assert answer.json()["type"] == "urn:gatehouse:problem:session-ended"
    assert EXPIRE_SESSION in set_cookie_lines(answer)


# May come from another site, if it has no effects: a navigation, with or without fetch metadata.
PAGES = [NAVIGATION, {"Accept": "text/html,*/*"}]


@pytest.mark.parametrize("kind", [*PAGES, FETCH])
@pytest.mark.parametrize("method", ["POST", "DELETE", "PROPFIND", "get"])
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_has_effects_must_come_from_here(
    browser: Browser, method: str, site: str, kind: dict[str, str]
) -> None:
    browser.sign_in()
    foreign, own = {**kind, "Sec_Fetch_Site": site}, {**kind, "Sec_Fetch_Site": "same-origin"}
    assert ask(browser, X_Forwarded_Method=method, **foreign).status_code == 403
    assert ask(browser, X_Forwarded_Method=method, **own).status_code == 204


@pytest.mark.parametrize("kind", PAGES)
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_websocket_must_come_from_here(browser: Browser, site: str, kind: dict[str, str]) -> None:
    """A WebSocket starts with a GET, and the script may then send anything."""
    browser.sign_in()
    foreign, own = {**kind, "Sec_Fetch_Site": site}, {**kind, "Sec_Fetch_Site": "same-origin"}
    assert ask(browser, **foreign).status_code == 204
    assert ask(browser, Sec_WebSocket_Key="x", **foreign).status_code == 403
    assert ask(browser, Sec_WebSocket_Key="x", **own).status_code == 204


@pytest.mark.parametrize(
    ("referer", "back"),
    [
        ("", "/app/x%3Fy%3D1"),
        ("http://testserver/app/form?a=b", "/app/form%3Fa%3Db"),
        ("https://evil.example/app/form", "/app/x%3Fy%3D1"),
        ("http://testserver//evil.example", "/account"),
    ],
)
def test_a_form_gets_a_page_with_the_way_back(browser: Browser, referer: str, back: str) -> None:
    """Never a redirect, which would send it again or lose it."""
    for answer in (
        ask(browser, X_Forwarded_Method="POST", Referer=referer, **NAVIGATION),
        browser.send(
            "GET", "/auth/signed-out", X_Original_Uri="/app/x?y=1", Referer=referer, **NAVIGATION
        ),
    ):
        assert answer.status_code == 401
        assert f'href="/login/continue?next={back}"' in answer.content.decode()


def test_nginx_gets_the_problem_of_a_fetch(browser: Browser) -> None:
    answer = browser.send("GET", "/auth/signed-out", **FETCH)
    assert (answer.status_code, answer.json()["type"]) == (401, "urn:gatehouse:problem:no-session")


def test_an_outage_is_unknown_and_touches_no_cookie(browser: Browser, stub: Stub) -> None:
    stub.answers[CALL] = STORE_DOWN
    answer = ask(browser.sign_in(), **NAVIGATION)
    assert (answer.status_code, answer["Retry-After"]) in RETRY_SOON
    assert not set_cookie_lines(answer)


@pytest.mark.parametrize("path", ["/auth/verify?audience=A", "/auth/verify?audience=a/b"])
def test_an_unknown_audience_is_a_400(browser: Browser, path: str) -> None:
    assert browser.sign_in().send("GET", path, X_Forwarded_Method="GET").status_code == 400


@pytest.mark.parametrize(
    ("query", "headers", "variable"),
    [
        ("?audience=reports", {"Method": "GET", "Uri": "/app/"}, "GATEHOUSE_UPSTREAMS"),
        ("?audience=A", {"Method": "GET", "Uri": "/app/"}, "?audience="),
        ("?claims=email,all", {"Method": "GET", "Uri": "/app/"}, "?claims="),
        ("", {"Uri": "/app/"}, "X-Forwarded-Method"),
        ("", {"Method": "GET"}, "X-Forwarded-Uri"),
        ("", {"Method": "GET", "Uri": "/unruly/"}, "GATEHOUSE_ACCESS_RULES"),
    ],
)
def test_the_log_says_what_to_change_and_the_answer_does_not(
    browser: Browser, options: Any, query: str, headers: dict[str, str], variable: str
) -> None:
    options(upstreams=parse_upstreams(["reports=http://127.0.0.1:9"]))
    given = {f"X_Forwarded_{name}": value for name, value in headers.items()}
    with logged() as events:
        answer = browser.sign_in().send("GET", f"/auth/verify{query}", **given, **FETCH)
    assert answer.status_code in (400, 403)
    hints = [event["hint"] for event in events if "hint" in event]
    assert any(variable in hint for hint in hints), events
    assert variable not in answer.content.decode()


def test_the_log_says_where_the_origin_of_the_site_is_set(browser: Browser) -> None:
    with logged() as events:
        answer = ask(browser.sign_in(), X_Forwarded_Method="POST", Origin="https://www.example")
    assert answer.status_code == 403
    (event,) = (e for e in events if e["event"] == "forward_auth.foreign_origin")
    assert event["origin"] == "https://www.example"
    assert "GATEHOUSE_PUBLIC_ORIGIN" in event["hint"]
    assert "GATEHOUSE" not in answer.content.decode()


def test_a_proxy_that_does_not_tell_the_method_is_a_400(browser: Browser, stub: Stub) -> None:
    answer = browser.sign_in().send("GET", "/auth/verify", X_Forwarded_Uri="/app/")
    assert answer.status_code == 400
    assert stub.calls == []


@pytest.mark.parametrize(
    "uri",
    [
        "//evil.example/", "https://evil.example/app/", "/other/", "/app/../account", "/app//evil",
        "/app/\\evil.example", "/app/%2e%2e/x", "/app", "",
    ],
)  # fmt: skip
def test_the_way_back_stays_on_this_site(browser: Browser, uri: str) -> None:
    answer = ask(browser, uri, **NAVIGATION)
    assert answer["Location"] == "/login/continue?next=/account"


# -- /login/continue ---------------------------------------------------------------------------


def test_it_goes_back_for_who_is_signed_in(browser: Browser) -> None:
    answer = browser.sign_in().get("/login/continue?next=/app/x%3Fy%3D1")
    assert (answer.status_code, answer["Location"]) == (302, "/app/x?y=1")


def test_it_goes_to_the_login_for_who_is_not(browser: Browser, stub: Stub) -> None:
    answer = browser.get("/login/continue?next=/app/x")
    assert answer["Location"] == "/login?next=/app/x"
    stub.answers["GET /v1/session?slide=false"] = NO_SESSION
    answer = browser.sign_in().get("/login/continue?next=/app/x")
    assert answer["Location"] == "/login?next=/app/x"


def test_an_app_that_asks_for_a_click_is_entered_by_no_redirect(
    browser: Browser, options: Any
) -> None:
    options(access_rules=rules("/app/=signed-in", "/app/wiki/=signed-in+click"))
    browser.sign_in()
    continue_page = "/login/continue?next=/app/wiki/x%3Fdelete%3D1%26all%3D1"
    answer = browser.get(continue_page)
    assert (answer.status_code, "http-equiv" in answer.content.decode()) == (200, False)
    assert (
        '<a class="button block" href="/app/wiki/x?delete=1&amp;all=1"' in answer.content.decode()
    )
    for spelling in ("/app/%2577iki/x", "/app/WIKI/x", "/app/wiki;a=b/x", "/app/wiki"):
        assert browser.get(f"/login/continue?next={spelling}").status_code == 200
    assert browser.get("/login/continue?next=/app/wikipedia")["Location"] == "/app/wikipedia"


def test_neither_does_a_sign_in_enter_it(browser: Browser, options: Any) -> None:
    """Another site may have chosen the login page's URL as well."""
    options(access_rules=rules("/app/=signed-in", "/wiki/=signed-in+click"))
    for destination, target in {
        "/app/x": "/app/x",
        "/wiki/x?a=1": "/login/continue?next=/wiki/x%3Fa%3D1",
    }.items():
        form = {"email": USER["email"], "password": "x", "next": destination}
        assert browser.post("/login", form)["Location"] == target
    again = browser.sign_in().get("/login?next=/wiki/x%3Fa%3D1")
    assert 'href="/login/continue?next=/wiki/x%3Fa%3D1">Continue' in again.content.decode()


def test_after_a_link_from_elsewhere_it_looks_again_with_the_cookie(browser: Browser) -> None:
    answer = browser.get("/login/continue?next=/app/x", Sec_Fetch_Site="cross-site", **NAVIGATION)
    assert answer.status_code == 200
    assert 'content="0; url=/login/continue?next=/app/x"' in answer.content.decode()


def test_it_leads_nowhere_else(browser: Browser) -> None:
    for away in ("//evil.example", "https://evil.example", "/login/continue?next=/app/"):
        answer = browser.sign_in().get(f"/login/continue?next={away}")
        assert answer["Location"] == "/account"


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_sibling_loads_nothing_of_an_app_but_a_page(
    browser: Browser, stub: Stub, site: str
) -> None:
    browser.sign_in()
    for kind in ({**FETCH}, {"Sec_Fetch_Mode": "no-cors", "Sec_Fetch_Dest": "script"}):
        assert ask(browser, **{**kind, "Sec_Fetch_Site": site}).status_code == 403
    assert stub.calls == []
    assert ask(browser, **{**NAVIGATION, "Sec_Fetch_Site": site}).status_code == 204


def test_no_token_for_an_upstream_is_given_here(browser: Browser, stub: Stub, options: Any) -> None:
    options(upstreams=parse_upstreams(["reports=http://127.0.0.1:9"]))
    given = {"X_Forwarded_Method": "GET", "X_Forwarded_Uri": "/app/"}
    answer = browser.sign_in().send("GET", "/auth/verify?audience=reports", **given)
    assert (answer.status_code, stub.calls) == (400, [])

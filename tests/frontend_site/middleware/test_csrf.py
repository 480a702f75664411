"""The CSRF gates over every unsafe route."""

import re
from typing import Any
from urllib.parse import urlencode

import pytest
from django.urls import get_resolver

from frontend_site.security.endpoints import kind_of, methods_of
from tests.frontend_site.browser import ORIGIN, Browser, form_fields, set_cookie_lines
from tests.frontend_site.stub import HANDLE, NEW_TOKEN, STORE_DOWN, Stub, problem

CALLS = [
    ("POST", "/api/auth/login"),
    ("POST", "/api/auth/login/factor"),
    ("POST", "/api/auth/login/enrol"),
    ("POST", "/api/auth/login/enrol/confirm"),
    ("POST", "/api/auth/factors/totp"),
    ("POST", "/api/auth/factors/totp/confirm"),
    ("POST", "/api/auth/factors/recovery-codes"),
    ("POST", "/api/auth/factors/recovery-codes/confirm"),
    ("PATCH", f"/api/auth/factors/{HANDLE}"),
    ("DELETE", f"/api/auth/factors/{HANDLE}"),
    ("POST", "/api/auth/logout"),
    ("POST", "/api/auth/reauthenticate"),
    ("POST", "/api/auth/register"),
    ("POST", "/api/auth/invitations/accept"),
    ("POST", "/api/auth/email/verify"),
    ("POST", "/api/auth/email/resend"),
    ("POST", "/api/auth/email/change"),
    ("POST", "/api/auth/email/confirm"),
    ("POST", "/api/auth/email/restore"),
    ("POST", "/api/auth/password/forgot"),
    ("POST", "/api/auth/password/reset"),
    ("POST", "/api/auth/password/change"),
    ("PATCH", "/api/auth/account"),
    ("DELETE", "/api/auth/account"),
    ("POST", "/api/auth/account/keep"),
    ("DELETE", f"/api/auth/sessions/{HANDLE}"),
    ("POST", "/api/auth/sessions/disown"),
    ("POST", "/api/auth/sessions/revoke-others"),
    ("POST", "/api/auth/sessions/revoke-all"),
]
FORMS = [
    "/login", "/logout", "/register", "/invitation", "/email/verify", "/email/confirm", "/email/restore", "/email/resend",
    "/password/forgot", "/password/reset", "/account/sessions", "/account/password",
    "/login/code", "/login/continue", "/login/enrol", "/account/factors", "/account/factors/app", "/account/factors/codes", "/account/factors/codes/file",
    "/account/name", "/account/email", "/account/data", "/account/delete", "/account/keep", "/sessions/disown",
]  # fmt: skip
FORM = "application/x-www-form-urlencoded"

FOREIGN: dict[str, dict[str, str]] = {
    "another origin": {"Origin": "https://evil.example", "Sec_Fetch_Site": ""},
    "another origin that claims to be same": {"Origin": "https://evil.example"},
    "an opaque origin": {"Origin": "null", "Sec_Fetch_Site": ""},
    "another port": {"Origin": "http://testserver:81", "Sec_Fetch_Site": ""},
    "https for http": {"Origin": "https://testserver", "Sec_Fetch_Site": ""},
    "a longer name": {"Origin": "http://testserver.evil.example", "Sec_Fetch_Site": ""},
    "two origins": {"Origin": f"{ORIGIN} https://evil.example", "Sec_Fetch_Site": ""},
    "cross-site": {"Sec_Fetch_Site": "cross-site"},
    "same-site": {"Sec_Fetch_Site": "same-site"},
    "cross-site with our origin": {"Origin": ORIGIN, "Sec_Fetch_Site": "cross-site"},
    "none without a navigation": {"Sec_Fetch_Site": "none", "Sec_Fetch_Mode": "cors"},
    "a foreign referer": {"Referer": "https://evil.example/", "Origin": "", "Sec_Fetch_Site": ""},
}


def test_the_lists_above_name_every_unsafe_route() -> None:
    unsafe = {
        str(pattern.pattern).replace(r"(?P<handle>[A-Za-z0-9_-]{16})\Z", HANDLE).lstrip("^")
        for pattern in get_resolver().url_patterns
        if set(methods_of(pattern.callback)) - {"GET", "HEAD"}
        and kind_of(pattern.callback, "/") != "upstream"  # tests/frontend_site/upstreams
    }
    assert {"/" + path for path in unsafe} == {path for _, path in CALLS} | set(FORMS)
    kinds = {kind_of(pattern.callback, "/") for pattern in get_resolver().url_patterns}
    assert kinds == {"page", "json", "probe", "upstream"}


@pytest.mark.parametrize(("method", "path"), CALLS)
@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_call_from_elsewhere_is_refused_even_with_its_token(
    browser: Browser, stub: Stub, method: str, path: str, headers: dict[str, str]
) -> None:
    answer = browser.sign_in().call(method, path, **headers)
    assert answer.status_code == 403
    assert answer.json()["type"] == "urn:gatehouse:problem:csrf-failed"
    assert {"Sec-Fetch-Site", "Origin"} <= set(answer["Vary"].split(", "))
    assert stub.calls == []


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_form_from_elsewhere_is_refused_and_shows_nothing_of_what_it_sent(
    browser: Browser, stub: Stub, path: str, headers: dict[str, str]
) -> None:
    answer = browser.sign_in().post(path, {"email": "planted@evil.example"}, **headers)
    assert answer.status_code == 403
    assert b"planted" not in answer.content
    assert stub.calls == []


@pytest.mark.parametrize(("method", "path"), CALLS)
@pytest.mark.parametrize("token", ["", "x", "A" * 22 + "." + "B" * 22 + "." + "C" * 43])
def test_a_call_without_a_good_token_is_refused(
    browser: Browser, stub: Stub, method: str, path: str, token: str
) -> None:
    browser.sign_in().token()
    answer = browser.call(method, path, X_CSRF_Token=token)
    assert answer.status_code == 403
    assert answer.json()["type"] == "urn:gatehouse:problem:csrf-failed"
    assert stub.calls == []


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_a_token_of_another_session_is_expired(
    browser: Browser, stub: Stub, method: str, path: str
) -> None:
    browser.sign_in().token()
    browser.sign_in(NEW_TOKEN)
    answer = browser.call(method, path)
    assert answer.status_code == 403
    assert answer.json()["type"] == "urn:gatehouse:problem:csrf-expired"
    assert stub.calls == []


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_a_good_token_opens(browser: Browser, stub: Stub, method: str, path: str) -> None:
    assert browser.sign_in().call(method, path).status_code < 300
    assert len(stub.calls) == 1


def test_a_token_without_its_cookie_is_refused(browser: Browser, stub: Stub) -> None:
    token = browser.token()
    browser.cookies.clear()
    assert browser.call("POST", "/api/auth/login", X_CSRF_Token=token).status_code == 403
    assert stub.calls == []


def refused(answer: Any) -> tuple[str, str]:
    """The words of a refusal for programs and for people."""
    assert answer.status_code == 403
    document = answer.json()
    return document["reason"], document["detail"]


def test_a_refusal_says_what_was_missing(browser: Browser) -> None:
    unsigned = "A" * 22 + "." + "B" * 22 + "." + "C" * 43
    login = ("POST", "/api/auth/login")
    reason, detail = refused(browser.call(*login, Cookie="theme=dark", X_CSRF_Token=""))
    assert (reason, "cookie __Host-csrf was not sent" in detail) == ("no-cookie", True)
    token = browser.token()
    assert refused(browser.call(*login, Cookie="__Host-csrf=x"))[0] == "no-cookie"
    reason, detail = refused(browser.call(*login, X_CSRF_Token=""))
    assert (reason, "header X-CSRF-Token was not sent" in detail) == ("no-token", True)
    for garbled in ("x", unsigned):
        reason, detail = refused(browser.call(*login, X_CSRF_Token=garbled))
        assert (reason, "did not issue" in detail) == ("unknown-token", True)
    browser.cookies.clear()
    reason, detail = refused(
        browser.call(*login, Cookie=f"__Host-csrf={browser.token()}", X_CSRF_Token=token)
    )
    assert (reason, "not that of the cookie" in detail) == ("other-token", True)
    reason, detail = refused(browser.sign_in().call(*login))
    assert (reason, "before you signed in or out" in detail) == ("old-token", True)


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"Origin": "https://evil.example"}, "foreign-origin"),
        ({"Origin": "null", "Sec_Fetch_Site": ""}, "null-origin"),
        ({"Sec_Fetch_Site": "cross-site"}, "fetch-site-cross-site"),
        ({"Sec_Fetch_Site": "same-site"}, "fetch-site-same-site"),
        ({"Sec_Fetch_Site": "none"}, "fetch-site-none"),
        ({"Referer": "https://evil.example/x?y", "Sec_Fetch_Site": ""}, "foreign-referer"),
    ],
)
@pytest.mark.parametrize("environment", ["production", "development"])
def test_origins_are_told_in_development_only(
    browser: Browser, options: Any, environment: str, headers: dict[str, str], reason: str
) -> None:
    browser.token()
    options(environment=environment, public_origin="https://gatehouse.example")
    told, detail = refused(browser.call("POST", "/api/auth/login", **headers))
    assert told == reason
    in_development = environment == "development"
    assert ("expected https://gatehouse.example or http://testserver." in detail) == in_development
    seen = "evil.example" in str(headers)
    assert ("came from https://evil.example;" in detail) == (in_development and seen)
    assert "evil.example/" not in detail


@pytest.mark.parametrize("host", ["localhost:5173", "127.0.0.1:8000"])  # changeOrigin: false, true
def test_a_dev_server_in_front_is_the_site_once_its_origin_is_set(
    browser: Browser, options: Any, host: str
) -> None:
    headers = {"Host": host, "Origin": "http://localhost:5173"}
    options(environment="development", public_origin="http://localhost:8000")
    answer = browser.call("POST", "/api/auth/login", **headers)
    assert answer.status_code == (200 if host == "localhost:5173" else 403)
    browser = Browser()
    options(environment="development", public_origin="http://localhost:5173")
    assert browser.call("POST", "/api/auth/login", **headers).status_code == 200


def test_visitors_of_pages_read_no_header_names(browser: Browser, options: Any) -> None:
    headers = {"Origin": "https://evil.example", "Sec_Fetch_Site": "cross-site"}
    options(environment="production")
    page = browser.post("/login", **headers).content.decode()
    assert "evil.example" not in page
    assert "Sec-Fetch-Site" not in page
    options(environment="development")
    page = browser.post("/login", **headers).content.decode()
    assert "The request came from https://evil.example; expected" in page


def test_a_token_in_the_body_or_address_of_a_call_does_not_count(
    browser: Browser, stub: Stub
) -> None:
    token = browser.token()
    answer = browser.call(
        "POST",
        f"/api/auth/login?csrfmiddlewaretoken={token}",
        f'{{"csrfmiddlewaretoken": "{token}"}}'.encode(),
        X_CSRF_Token="",
    )
    assert answer.status_code == 403
    assert stub.calls == []


def test_a_json_client_that_is_no_browser_shows_its_token(browser: Browser) -> None:
    answer = browser.call("POST", "/api/auth/login", Sec_Fetch_Site="", Sec_Fetch_Dest="")
    assert answer.status_code == 200


def test_a_browsers_form_without_any_origin_is_refused(browser: Browser, stub: Stub) -> None:
    assert browser.post("/login", Origin="", Sec_Fetch_Site="").status_code == 403
    assert stub.calls == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "", "Sec_Fetch_Site": "same-origin"},
        {"Origin": ORIGIN, "Sec_Fetch_Site": ""},
        {"Origin": ORIGIN, "Sec_Fetch_Site": "from-the-future"},
        {"Origin": "", "Sec_Fetch_Site": "", "Referer": f"{ORIGIN}/login"},
        {"Origin": "null", "Sec_Fetch_Site": "same-origin"},  # our no-referrer page
        {"Origin": "", "Sec_Fetch_Site": "none", "Sec_Fetch_Mode": "navigate"},
    ],
)
def test_a_form_of_this_site_passes(browser: Browser, headers: dict[str, str]) -> None:
    assert browser.post("/login", {"email": "a"}, **headers).status_code == 302


def test_an_unknown_fetch_site_alone_proves_nothing(browser: Browser) -> None:
    headers = {"Origin": "", "Sec_Fetch_Site": "from-the-future"}
    assert browser.post("/login", **headers).status_code == 403


def test_production_believes_the_configured_origin_only(browser: Browser, options: Any) -> None:
    options(environment="production", public_origin="https://gatehouse.example")
    assert browser.post("/login", Sec_Fetch_Site="").status_code == 403
    headers = {"Origin": "https://gatehouse.example", "Sec_Fetch_Site": ""}
    assert browser.post("/login", **headers).status_code == 302


def test_login_in_another_tab_costs_no_typed_form(browser: Browser, stub: Stub) -> None:
    """Two tabs show the login form; the second signs in, then the first is sent."""
    first_tab = form_fields(browser.get("/login?next=/account").content.decode())
    browser.post("/login", {"email": "ada@example.com", "password": "x"})
    typed = {**first_tab, "email": "ada@example.com", "password": "hunter2", "remember": "on"}
    answer = browser.post("/login", typed)
    page = answer.content.decode()
    offered = form_fields(page)
    assert answer.status_code == 403
    assert "hunter2" not in page
    assert 'name="password" type="password"' in page
    assert {name: offered[name] for name in ("email", "remember", "next")} == {
        "email": "ada@example.com",
        "remember": "on",
        "next": "/account",
    }
    again = browser.post("/login", {**offered, "password": "hunter2"})
    assert (again.status_code, again["Location"]) == (302, "/account")
    assert stub.seen[-1].json["password"] == "hunter2"


def test_what_the_403_page_keeps_is_escaped(browser: Browser) -> None:
    browser.token()
    fields = {"csrfmiddlewaretoken": "x", "email": '"><script>alert(1)</script>', "<b>": "1"}
    page = browser.post("/login", fields).content.decode()
    assert "<script>alert" not in page
    assert "<b>" not in page


@pytest.mark.parametrize("name", ["password", "current_password", "NEW_PASSWORD", "password2"])
def test_no_kind_of_password_is_kept(browser: Browser, name: str) -> None:
    page = browser.post("/login", {"csrfmiddlewaretoken": "x", name: "hunter2"}).content
    assert b"hunter2" not in page
    assert re.search(rf'name="{name}" type="password"'.encode(), page)


@pytest.mark.parametrize("name", ["code", "reauthentication_code"])
def test_no_code_is_kept(browser: Browser, name: str) -> None:
    page = browser.post("/login/code", {"csrfmiddlewaretoken": "x", name: "424242"}).content
    assert b"424242" not in page
    assert re.search(rf'name="{name}" type="text"'.encode(), page)


@pytest.mark.parametrize("path", ["/login", "/register", "/logout", "/email/verify?token=x"])
def test_safe_methods_need_no_token(browser: Browser, path: str) -> None:
    assert browser.get(path).status_code == 200
    assert browser.send("HEAD", path).status_code == 200


def test_the_csrf_endpoint_gives_the_cookies_token(browser: Browser) -> None:
    answer = browser.get("/api/auth/csrf")
    assert answer.json() == {"csrfToken": browser.cookies["__Host-csrf"]}
    assert answer["Cache-Control"] == "no-store"


def test_the_csrf_cookie_is_as_strict_as_the_session_but_readable(browser: Browser) -> None:
    [line] = set_cookie_lines(browser.get("/login"))
    name_and_value, *attributes = line.split("; ")
    assert name_and_value.startswith("__Host-csrf=")
    assert sorted(attributes) == ["Path=/", "SameSite=Strict", "Secure"]
    assert len(name_and_value) < 4096


def test_a_second_page_keeps_the_token_of_the_first(browser: Browser) -> None:
    first = form_fields(browser.get("/login").content.decode())["csrfmiddlewaretoken"]
    answer = browser.get("/register")
    assert form_fields(answer.content.decode())["csrfmiddlewaretoken"] == first
    assert set_cookie_lines(answer) == []


@pytest.mark.parametrize("path", ["/", "/healthz", "/nope", "/static/frontend_site/site.css"])
def test_pages_without_a_form_set_no_cookie(browser: Browser, path: str) -> None:
    assert set_cookie_lines(browser.get(path)) == []


def test_an_outage_sets_no_csrf_cookie_either(browser: Browser, stub: Stub) -> None:
    stub.answers["GET /v1/session"] = STORE_DOWN
    assert set_cookie_lines(browser.sign_in().get("/account")) == []


def test_an_outage_after_a_form_was_made_sets_no_csrf_cookie(
    browser: Browser, settings: Any
) -> None:
    settings.ROOT_URLCONF = "tests.frontend_site.failing_page"
    answer = browser.get("/failing")
    assert (answer.status_code, set_cookie_lines(answer)) == (503, [])


def test_login_and_logout_change_the_token(browser: Browser, stub: Stub) -> None:
    anonymous = browser.token()
    browser.call("POST", "/api/auth/login")
    signed_in = browser.cookies["__Host-csrf"]
    assert browser.call("POST", "/api/auth/sessions/revoke-others").status_code == 200
    browser.call("POST", "/api/auth/logout")
    signed_out = browser.cookies["__Host-csrf"]
    assert len({anonymous, signed_in, signed_out}) == 3
    assert browser.call("POST", "/api/auth/login").status_code == 200


def test_a_failed_login_keeps_the_token(browser: Browser, stub: Stub) -> None:
    before = browser.token()
    stub.answers["POST /v1/login"] = problem("invalid-credentials", 401)
    browser.call("POST", "/api/auth/login")
    assert browser.cookies["__Host-csrf"] == before


def test_too_many_fields_are_a_400(browser: Browser) -> None:
    body = urlencode([(f"f{number}", "x") for number in range(200)]).encode()
    answer = browser.send(
        "POST", "/login", body=body, content_type=FORM, Origin=ORIGIN, Sec_Fetch_Site="same-origin"
    )
    assert answer.status_code == 400

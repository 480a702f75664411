"""Forward auth through real nginx and Caddy, with the files of docs/how-to/deploy/."""

import http.client
from typing import Any

import jwt
import pytest
import requests

from tests.authenticator import App as Authenticator
from tests.chromium import Chromiums
from tests.e2e.conftest import EMAIL
from tests.e2e.proxies import NAVIGATION, App, send
from tests.e2e.test_browser import fill, press, wait_for_path, wait_for_text
from tests.processes import JsonClient, Stack, wait_for


def test_the_app_learns_who_is_signed_in_and_nothing_else(
    client: JsonClient, app: App, site: Stack
) -> None:
    client.cookies["theme"] = "dark"
    answer = client.get("/app/page?x=1", **NAVIGATION)
    assert (answer.status_code, f"for {EMAIL}" in answer.text) == (200, True)
    told = app.seen[-1]
    user = client.get("/api/auth/session").json()["user"]
    assert told["Gatehouse-User-Id"] == user["id"]
    assert told["Gatehouse-User-Email"] == EMAIL
    assert "__Host-session" not in told.get("Cookie", "")
    assert "theme=dark" in told["Cookie"]
    keys = jwt.PyJWKSet.from_dict(client.get("/.well-known/jwks.json").json())
    token = told["Gatehouse-Identity"]
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key, algorithms=["ES256"], audience="app", issuer=site.address)
    assert claims["sub"] == user["id"]


LIES = {
    "Gatehouse_User_Id": "lie",
    "Forwarded": "for=lie",
    "X-Forwarded-For": "192.0.2.66",
    "X-Forwarded-Host": "lie.example",
    "X-Forwarded-Proto": "lie",
    "X-Forwarded-Method": "LIE",
    "X-Forwarded-Prefix": "/lie",
    "X-Forwarded-Server": "lie.example",
    "X-Forwarded-Ssl": "lie",
    "X-Forwarded-Uri": "/lie",
    "X-Original-Method": "LIE",
    "X-Original-URL": "/lie",
    "X-Rewrite-URL": "/lie",
    "X_Forwarded_For": "192.0.2.66",
    "X-Real-IP": "192.0.2.66",
    "X_Real_IP": "192.0.2.66",
    "X-Request-Id": "lie-lie-lie",
    "X_Request_Id": "lie-lie-lie",
}


def test_the_app_hears_no_claim_of_the_browser(client: JsonClient, app: App) -> None:
    assert client.get("/app/page", **NAVIGATION, **LIES).status_code == 200
    told = {name.lower(): value for name, value in app.seen[-1].items()}
    assert [name for name in told if told[name] in LIES.values()] == []
    assert told["x-forwarded-for"] == told["x-real-ip"] == "127.0.0.1"
    assert told["x-forwarded-host"] == client.address.removeprefix("http://")
    assert told["x-forwarded-proto"] == "http"
    assert told["x-request-id"]
    # Caddy passes on those that are empty.
    named = {name for name in told if name.startswith("gatehouse") and told[name]}
    assert named == {
        "gatehouse-user-id", "gatehouse-user-email", "gatehouse-session", "gatehouse-identity",
        "gatehouse-acr", "gatehouse-amr", "gatehouse-auth-time",
    }  # fmt: skip
    assert (told["gatehouse-acr"], told["gatehouse-amr"]) == ("aal1", "pwd")


@pytest.mark.parametrize("path", ["/login", "/api/auth/csrf"])
def test_gatehouse_gets_no_request_id_of_the_browser(proxied: str, path: str) -> None:
    answer = JsonClient(proxied).get(path, **LIES)
    assert answer.status_code == 200
    assert answer.headers["X-Request-Id"] != LIES["X-Request-Id"]


@pytest.mark.parametrize(
    "path", ["/auth/verify", "/auth/%76erify", "//auth/verify", "/auth/./verify"]
)
def test_nobody_outside_asks_who_is_signed_in(client: JsonClient, path: str) -> None:
    asked = {
        "X-Forwarded-Method": "GET",
        "X-Forwarded-Uri": "/app/",
        "Sec-Fetch-Site": "same-origin",
    }
    connection = http.client.HTTPConnection(client.address.removeprefix("http://"), timeout=15)
    cookie = f"__Host-session={client.cookies['__Host-session']}"
    connection.request("GET", f"{path}?audience=app", headers={**asked, "Cookie": cookie})
    answer = connection.getresponse()
    assert answer.status == 404
    assert "Gatehouse-Identity" not in answer.headers
    connection.close()


def test_a_navigation_is_led_to_the_login(proxied: str, app: App) -> None:
    before = len(app.seen)
    answer = JsonClient(proxied).get("/app/page?x=1", **NAVIGATION)
    assert answer.status_code == 302
    location = answer.headers["Location"].removeprefix(proxied)
    assert location == "/login/continue?next=/app/page%3Fx%3D1"
    assert len(app.seen) == before


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_fetch_gets_a_problem_document(proxied: str, app: App, method: str) -> None:
    before = len(app.seen)
    headers = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin", "Accept": "*/*"}
    answer = requests.request(method, f"{proxied}/app/data", headers=headers, timeout=20)
    assert (answer.status_code, answer.headers["Content-Type"]) == (401, "application/problem+json")
    assert answer.json()["type"] == "urn:gatehouse:problem:no-session"
    assert len(app.seen) == before


def test_a_form_gets_a_page_with_the_way_back(proxied: str, app: App) -> None:
    before = len(app.seen)
    headers = {**NAVIGATION, "Sec-Fetch-Site": "same-origin", "Origin": proxied}
    form = {"text": "typed for an hour"}
    for referer, back in ((f"{proxied}/app/form?x=1", "/app/form%3Fx%3D1"), ("", "/app/act")):
        answer = requests.post(
            f"{proxied}/app/act", form, headers={**headers, "Referer": referer}, timeout=20,
            allow_redirects=False,
        )  # fmt: skip
        assert answer.status_code == 401
        assert f'href="/login/continue?next={back}"' in answer.text
        assert answer.headers["Cache-Control"] == "no-store"
        assert "style-src 'self'" in answer.headers["Content-Security-Policy"]
    assert len(app.seen) == before


def test_an_ended_session_opens_nothing(client: JsonClient, app: App, proxied: str) -> None:
    cookies = dict(client.cookies)
    assert client.post("/api/auth/logout").status_code == 204
    before = len(app.seen)
    replay = JsonClient(proxied)
    replay.cookies = cookies
    assert replay.get("/app/page", **NAVIGATION).status_code == 302
    assert len(app.seen) == before


FETCH = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin", "Accept": "*/*"}


def test_a_part_of_an_app_can_demand_a_second_factor(proxied: str, site: Stack, app: App) -> None:
    email = f"vault{proxied.rpartition(':')[2]}@example.com"
    password = site.make_user(email)
    client, before = JsonClient(proxied), len(app.seen)
    assert client.login(email, password).status_code == 200
    lacking = client.get("/app/vault/x", **FETCH)
    assert lacking.json()["type"] == "urn:gatehouse:problem:second-factor-missing"
    authenticator = enrolled(JsonClient(proxied), email, password)
    page = client.get("/app/vault/x?y=1", **NAVIGATION)
    location = page.headers["Location"].removeprefix(proxied)
    assert (page.status_code, location) == (
        302, "/login/continue?next=/app/vault/x%3Fy%3D1&level=aal2",
    )  # fmt: skip
    fetched = client.get("/app/vault/x", **FETCH)
    assert (fetched.status_code, fetched.json()["methods"]) == (403, ["totp"])
    form = client.post(
        "/app/vault/act", **{**NAVIGATION, "Sec-Fetch-Site": "same-origin"},
        Referer=f"{proxied}/app/vault/form",
    )  # fmt: skip
    assert (form.status_code, "next=/app/vault/form&amp;level=aal2" in form.text) == (403, True)
    assert len(app.seen) == before
    proof = {"method": "totp", "code": authenticator.code(1)}  # the one before is used
    assert client.post("/api/auth/reauthenticate", proof).status_code == 200
    assert client.get("/app/vault/x", **NAVIGATION).status_code == 200
    assert (app.seen[-1]["Gatehouse-Acr"], app.seen[-1]["Gatehouse-Amr"]) == ("aal2", "pwd,otp,mfa")


def enrolled(client: JsonClient, email: str, password: str) -> Authenticator:
    """Add an app to the account, in a session of its own."""
    assert client.login(email, password).status_code == 200
    secret = client.post("/api/auth/factors/totp").json()["secret"]
    authenticator = Authenticator(secret)
    form = {"code": authenticator.code(), "name": "Telephone"}
    assert client.post("/api/auth/factors/totp/confirm", form).status_code == 200
    return authenticator


def test_a_foreign_form_does_not_reach_the_app(client: JsonClient, app: App) -> None:
    before = len(app.seen)
    for site_kind in ("cross-site", "same-site"):
        headers = {"Sec-Fetch-Site": site_kind, "Sec-Fetch-Mode": "navigate"}
        assert client.post("/app/act", **headers).status_code == 403
    assert len(app.seen) == before
    own = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}
    assert client.post("/app/act", **own).status_code == 200


def test_an_outage_is_no_logout(client: JsonClient, site: Stack, app: App) -> None:
    before, cookies = len(app.seen), dict(client.cookies)
    site.valkey.pause()
    try:
        answer = client.get("/app/page", **NAVIGATION)
    finally:
        site.valkey.resume()
    assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
    assert (client.cookies, len(app.seen)) == (cookies, before)
    wait_for(lambda: client.get("/app/page", **NAVIGATION).status_code == 200, "the app again")


def test_in_chromium_from_login_to_app_and_by_a_link_from_elsewhere(
    browser: Any, proxied: str, app: App, site_password: str
) -> None:
    browser.get(f"{proxied}/app/page?x=1")
    wait_for_path(browser, "/login")
    fill(browser, email=EMAIL, password=site_password)
    press(browser, "main form")
    wait_for_text(browser, f"the app, for {EMAIL}")
    assert browser.current_url == f"{proxied}/app/page?x=1"
    browser.get(f"data:text/html,<a id=link href='{proxied}/app/other'>go</a>")
    browser.find_element("id", "link").click()
    wait_for_text(browser, f"the app, for {EMAIL}")
    assert browser.current_url == f"{proxied}/app/other"
    assert app.seen[-1]["Sec-Fetch-Site"] == "same-origin"  # as docs/how-to/forward-auth.md warns


def test_in_chromium_a_fragment_survives_the_sign_in_and_a_link_from_elsewhere(
    browser: Any, proxied: str, site_password: str
) -> None:
    deep = f"{proxied}/app/x?filter[state]=open&q=100%25#/runs/7"
    kept = f"{proxied}/app/x?filter%5Bstate%5D=open&q=100%25#/runs/7"
    browser.get(deep)
    wait_for_path(browser, "/login")
    fill(browser, email=EMAIL, password=site_password)
    press(browser, "main form")
    wait_for_text(browser, f"the app, for {EMAIL}")
    assert browser.current_url == kept
    browser.get(f"data:text/html,<a id=link href='{kept.replace('#', '%23')}'>go</a>")
    browser.find_element("id", "link").click()
    wait_for_text(browser, f"the app, for {EMAIL}")
    assert browser.current_url == kept


@pytest.mark.parametrize("javascript", [True, False], ids=["with scripts", "without"])
def test_in_chromium_no_link_from_elsewhere_enters_an_app_that_asks_for_a_click(
    chromiums: Chromiums, proxied: str, app: App, site_password: str, javascript: bool
) -> None:
    target = f"{proxied}/app/wiki/delete?page=1&sure=yes"
    with chromiums.lent(javascript=javascript) as browser:
        before = len(app.seen)
        browser.get(
            target
        )  # typed: the login page, then the question, since both follow a redirect
        wait_for_path(browser, "/login")
        fill(browser, email=EMAIL, password=site_password)
        press(browser, "main form")
        wait_for_path(browser, "/login/continue")
        wait_for_text(browser, "/app/wiki/delete?page=1&amp;sure=yes")
        for address in (f"{proxied}/login/continue?next=/app/wiki/delete", target):
            browser.get(f"data:text/html,<a id=link href='{address}'>go</a>")
            browser.find_element("id", "link").click()
            wait_for_text(browser, "Do you want to open this page?")
        assert len(app.seen) == before
        browser.find_element("css selector", "main a.button").click()
        wait_for_text(browser, f"the app, for {EMAIL}")
        assert browser.current_url == target
        assert len(app.seen) == before + 1


def test_a_rule_keeps_out_who_is_in_no_group(
    client: JsonClient, app: App, site: Stack, proxied: str
) -> None:
    """And lets them in as soon as they are in one, without a new sign-in."""
    before = len(app.seen)
    page = client.get("/app/ops/x", **NAVIGATION)
    assert page.status_code == 403
    assert "Ask an administrator of this site for access." in page.text
    assert "style-src 'self'" in page.headers["Content-Security-Policy"]
    fetch = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin"}
    assert client.post("/app/ops/api/terminals", **fetch).status_code == 403
    assert client.get("/app/OPS/x", **NAVIGATION).status_code == 403
    for dodge in ("/app/%2e/ops/x", "/app/x/%2e%2e/ops/x", "/app//ops/x", "/app/;/ops/x"):
        cookie = ("Cookie", f"__Host-session={client.cookies['__Host-session']}")
        assert send(proxied, cookie, *NAVIGATION.items(), path=dodge) in (400, 403, 404), dodge
    claim = ("X-Forwarded-Uri", "/app/page")
    assert send(proxied, cookie, claim, *NAVIGATION.items(), path="/app/ops/x") in (400, 403)
    claim = ("X-Original-URI", "/app/page")
    assert send(proxied, cookie, claim, *NAVIGATION.items(), path="/app/ops/x") in (400, 403)
    assert len(app.seen) == before
    groups(site, "g.user_set.add(u)")
    try:
        assert client.get("/app/ops/x", **NAVIGATION).status_code == 200
    finally:
        groups(site, "g.user_set.remove(u)")
    assert client.get("/app/ops/x", **NAVIGATION).status_code == 403


def groups(site: Stack, change: str) -> None:
    """Change the members of the group ops: `u` is the user, `g` the group."""
    code = (
        "from django.contrib.auth.models import Group; from auth_api.users.models import User; "
        f"u = User.objects.get(email='{EMAIL}'); g, _ = Group.objects.get_or_create(name='ops'); {change}"
    )
    site.manage("shell", "-c", code)

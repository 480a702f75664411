"""Every answer of every kind carries the headers."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from frontend_site.settings.upstreams import NAME
from gatehouse.security_headers import hsts
from tests.frontend_site.browser import Browser
from tests.frontend_site.stub import HANDLE, STORE_DOWN, TOKEN, Stub, hang_up
from tests.urls import METHODS, every_path

Ask = Callable[[Browser, Stub], Any]


def _unavailable(browser: Browser, stub: Stub, path: str) -> Any:
    stub.answers["GET /v1/session"] = hang_up
    return browser.sign_in().call("GET", path, b"", "", Sec_Fetch_Dest="")


def _twice(browser: Browser, path: str) -> Any:
    return browser.send("GET", path, Cookie=f"__Host-session={TOKEN}; __Host-session={TOKEN}")


ANSWERS: dict[str, tuple[int, Ask]] = {
    "home": (200, lambda b, s: b.get("/")),
    "login": (200, lambda b, s: b.get("/login")),
    "login signed in": (200, lambda b, s: b.sign_in().get("/login")),
    "register": (200, lambda b, s: b.get("/register")),
    "register done": (202, lambda b, s: b.post("/register", {"email": "a"})),
    "verify": (200, lambda b, s: b.get("/email/verify?token=x")),
    "verify done": (200, lambda b, s: b.post("/email/verify", {"token": "x"})),
    "reset": (200, lambda b, s: b.get("/password/reset?token=x")),
    "reset done": (200, lambda b, s: b.post("/password/reset", {"token": "x"})),
    "confirm": (200, lambda b, s: b.get("/email/confirm?token=x")),
    "forgot": (200, lambda b, s: b.get("/password/forgot")),
    "forgot done": (202, lambda b, s: b.post("/password/forgot", {"email": "a"})),
    "data": (200, lambda b, s: b.sign_in().post("/account/data")),
    "account": (200, lambda b, s: b.sign_in().get("/account")),
    "account by HEAD": (200, lambda b, s: b.sign_in().send("HEAD", "/account")),
    "logout": (200, lambda b, s: b.get("/logout")),
    "reload page": (200, lambda b, s: b.get("/account", Sec_Fetch_Site="cross-site")),
    "gate": (302, lambda b, s: b.get("/account")),
    "signed in": (302, lambda b, s: b.post("/login")),
    "signed out": (302, lambda b, s: b.sign_in().post("/logout")),
    "static css": (200, lambda b, s: b.get("/static/frontend_site/site.css")),
    "static js": (200, lambda b, s: b.get("/static/frontend_site/auth.js")),
    "static svg": (200, lambda b, s: b.get("/static/frontend_site/logo.svg")),
    "static 304": (304, lambda b, s: _not_modified(b)),
    "static 404": (404, lambda b, s: b.get("/static/frontend_site/nope.css")),
    "page 400": (400, lambda b, s: _twice(b, "/account")),
    "page 400 host": (400, lambda b, s: b.get("/", Host="evil.example")),
    "page 403": (403, lambda b, s: b.post("/login", Origin="https://evil.example")),
    "page 403 form": (403, lambda b, s: b.post("/login", {"csrfmiddlewaretoken": "x"})),
    "page 404": (404, lambda b, s: b.get("/nope")),
    "page 405": (405, lambda b, s: b.send("TRACE", "/")),
    "page 413": (413, lambda b, s: b.send("POST", "/login", body=b"x" * 70_000)),
    "page 415": (415, lambda b, s: b.send("POST", "/login", body=b"x", content_type="a/b")),
    "page 503": (503, lambda b, s: _unavailable(b, s, "/account")),
    "api csrf": (200, lambda b, s: b.get("/api/auth/csrf")),
    "api login": (200, lambda b, s: b.call("POST", "/api/auth/login")),
    "api logout": (204, lambda b, s: b.sign_in().call("POST", "/api/auth/logout")),
    "api session": (200, lambda b, s: b.sign_in().call("GET", "/api/auth/session")),
    "api sessions": (200, lambda b, s: b.sign_in().call("GET", "/api/auth/sessions")),
    "api end": (204, lambda b, s: b.sign_in().call("DELETE", f"/api/auth/sessions/{HANDLE}")),
    "api 400": (400, lambda b, s: _twice(b, "/api/auth/session")),
    "api 401": (401, lambda b, s: b.call("GET", "/api/auth/session")),
    "api 403": (403, lambda b, s: b.call("POST", "/api/auth/login", X_CSRF_Token="x")),
    "api 404": (404, lambda b, s: b.get("/api/nope")),
    "api 405": (405, lambda b, s: b.send("PUT", "/api/auth/login")),
    "api 413": (413, lambda b, s: b.call("POST", "/api/auth/login", b"x" * 70_000)),
    "api 415": (415, lambda b, s: b.call("POST", "/api/auth/login", b"x", "text/plain")),
    "api 503": (503, lambda b, s: _unavailable(b, s, "/api/auth/session")),
    "healthz": (200, lambda b, s: b.get("/healthz")),
    "readyz": (200, lambda b, s: b.get("/readyz")),
}


def _not_modified(browser: Browser) -> Any:
    path = "/static/frontend_site/site.css"
    return browser.get(path, If_Modified_Since=browser.get(path)["Last-Modified"])


@pytest.mark.parametrize(("status", "ask"), ANSWERS.values(), ids=ANSWERS.keys())
def test_every_answer_has_every_header(browser: Browser, stub: Stub, status: int, ask: Ask) -> None:
    answer = ask(browser, stub)
    assert answer.status_code == status
    check_headers(answer)


@pytest.mark.parametrize("path", ["/account", "/api/auth/session"])
def test_a_crash_has_every_header_and_shows_nothing(
    browser: Browser, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("frontend_site.pages.views.required_profile", crash)
    monkeypatch.setattr("frontend_site.proxy.views.call_auth_api", crash)
    answer = browser.sign_in().call("GET", path, b"", "")
    assert answer.status_code == 500
    assert b"secret detail" not in answer.content
    assert answer["X-Request-Id"].encode() in answer.content
    check_headers(answer)


def check_headers(answer: Any) -> None:
    policy = answer["Content-Security-Policy"]
    content_type = answer.headers.get("Content-Type", "")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer["Referrer-Policy"] in ("same-origin", "strict-origin", "no-referrer")
    assert "camera=()" in answer["Permissions-Policy"]
    assert re.fullmatch("[A-Za-z0-9-]{8,64}", answer["X-Request-Id"])
    assert "Strict-Transport-Security" not in answer.headers  # plain http
    assert not [name for name in answer.headers if name.startswith("Access-Control")]
    directives = set(policy.split("; "))
    assert {
        "default-src 'none'", "base-uri 'none'", "object-src 'none'", "frame-ancestors 'none'"
    } <= directives  # fmt: skip
    assert "unsafe" not in policy
    assert "*" not in policy
    if content_type.startswith("text/html"):
        assert "form-action 'self'" in directives
        assert re.search(r"script-src 'nonce-[A-Za-z0-9_-]{22}'(;|$)", policy)
    else:
        assert "sandbox" in directives
    if (
        content_type.startswith("text/javascript")
        and "ETag" in answer
        and "max-age" not in answer["Cache-Control"]
    ):
        assert (
            answer["Cache-Control"] == "no-cache"
        )  # /gatehouse.js, which is the same for everybody
    elif "max-age" not in answer["Cache-Control"]:
        assert answer["Cache-Control"] == "no-store"
    assert "max-age" not in answer["Cache-Control"] or not content_type.startswith("text/html")


WORKER = "/static/frontend_site/session-stream.js"


def test_pages_allow_one_file_as_worker(browser: Browser) -> None:
    directives = browser.get("/", Host="testserver")["Content-Security-Policy"].split("; ")
    assert f"worker-src testserver{WORKER}" in directives
    assert {"trusted-types gatehouse-stream", "require-trusted-types-for 'script'"} <= set(
        directives
    )


@pytest.mark.parametrize("host", ["evil.example; script-src *", "[::1]:8000", "a b", "ü.example"])
def test_a_host_that_cannot_stand_in_a_policy_allows_no_worker(browser: Browser, host: str) -> None:
    policy = browser.get("/", Host=host)["Content-Security-Policy"]
    assert "; worker-src 'none'; " in policy
    assert "*" not in policy


def test_the_worker_may_call_this_site_and_nothing_else(browser: Browser) -> None:
    """Not sandboxed: it needs this site's origin."""
    answer = browser.get(WORKER)
    assert answer["Content-Security-Policy"].split("; ") == [
        "default-src 'none'", "connect-src 'self'", "base-uri 'none'", "object-src 'none'",
        "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ]  # fmt: skip
    assert answer["X-Content-Type-Options"] == "nosniff"
    other = browser.get("/static/frontend_site/gatehouse.js")
    assert "sandbox" in other["Content-Security-Policy"]


def test_only_files_may_be_kept(browser: Browser) -> None:
    assert "max-age" in browser.get("/static/frontend_site/site.css")["Cache-Control"]


def test_the_nonce_is_new_each_time_and_matches_the_page(browser: Browser) -> None:
    nonces = set()
    for _ in range(3):
        answer = browser.get("/login")
        [nonce] = re.findall(r"'nonce-([^']+)'", answer["Content-Security-Policy"])
        assert f'nonce="{nonce}"' in answer.content.decode()
        nonces.add(nonce)
    assert len(nonces) == 3


def test_https_in_production_promises_https(browser: Browser, options: Any, settings: Any) -> None:
    options(hsts=hsts("subdomains", 63072000), public_origin="https://testserver", proxy_hops=1)
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    for path in ("/", "/nope", "/account", "/static/frontend_site/site.css", "/healthz"):
        promise = browser.get(path, X_Forwarded_Proto="https")["Strict-Transport-Security"]
        assert int(re.findall(r"max-age=(\d+); includeSubDomains", promise)[0]) >= 31536000
        assert "Strict-Transport-Security" not in browser.get(path).headers


def test_a_forwarded_scheme_is_not_believed_without_a_proxy(browser: Browser, options: Any) -> None:
    options(hsts=hsts("subdomains", 63072000))
    answer = browser.get("/", X_Forwarded_Proto="https", X_Forwarded_Ssl="on")
    assert "Strict-Transport-Security" not in answer.headers


def test_pages_name_no_other_origin_and_no_inline_code(browser: Browser, stub: Stub) -> None:
    stub.answers["GET /v1/session?slide=false"] = STORE_DOWN
    for path in ("/", "/login", "/register", "/email/verify?token=x", "/logout", "/nope"):
        page = browser.get(path).content.decode()
        links = re.findall(r'(?:src|href|action)="([^"]*)"', page)
        assert all(re.match(r"(/(?!/)|#|$)", link) for link in links), links
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", page)
        assert re.findall(r"<script(?![^>]*src=)", page) == []


def test_pages_vary_by_cookie(browser: Browser) -> None:
    for path in ("/", "/login", "/account", "/nope"):
        assert "Cookie" in browser.get(path)["Vary"]


SAMPLES = {"handle": HANDLE, rf"^api/(?!auth/)(?P<name>{NAME})/[\s\S]*\Z": "/api/reports/x"}
ELSEWHERE = ("/nope", "/api/nope", "/static/frontend_site/site.css", "/static/nope", "/admin/")


def _paths() -> list[str]:
    from frontend_site.urls import urlpatterns

    return [*every_path(urlpatterns, SAMPLES), *ELSEWHERE]


@pytest.mark.parametrize(
    ("coverage", "value"),
    [
        ("off", ""),
        ("host", "max-age=300"),
        ("subdomains", "max-age=300; includeSubDomains"),
        ("preload", "max-age=300; includeSubDomains; preload"),
    ],
)
def test_the_operator_chooses_what_is_promised(
    browser: Browser, options: Any, settings: Any, coverage: str, value: str
) -> None:
    options(hsts=hsts(coverage, 300), proxy_hops=1)
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    answer = browser.get("/login", X_Forwarded_Proto="HTTPS")
    assert answer.headers.get("Strict-Transport-Security", "") == value


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("signed_in", [True, False])
def test_every_url_by_every_method_has_every_header(signed_in: bool, method: str) -> None:
    for path in _paths():
        browser = Browser().sign_in() if signed_in else Browser()
        safe = method in ("GET", "HEAD", "OPTIONS", "TRACE")
        for answer in (browser.send(method, path), None if safe else browser.call(method, path)):
            if answer is not None:
                check_headers(answer)
                check_nonces(answer)
                answer.close()


def test_every_url_promises_https_in_production(options: Any, settings: Any) -> None:
    options(hsts=hsts("subdomains", 63072000), public_origin="https://testserver", proxy_hops=1)
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    for path in _paths():
        answer = Browser().sign_in().get(path, X_Forwarded_Proto="https")
        assert "max-age=63072000" in answer["Strict-Transport-Security"], path
        answer.close()


def check_nonces(answer: Any) -> None:
    """Each script of a page has the nonce that its policy names, and none stands in the page."""
    if answer.streaming or not answer.headers.get("Content-Type", "").startswith("text/html"):
        return
    nonce = re.findall(r"'nonce-([^']+)'", answer["Content-Security-Policy"])
    for script in re.findall(r"<script\b[^>]*>", answer.content.decode()):
        assert [f'nonce="{one}"' in script for one in nonce] == [True], script
        assert "src=" in script, script

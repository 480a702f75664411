"""/api/auth/*: forwarded as they are, with lists for headers and none for cookies."""

import json
from typing import Any

import pytest

from frontend_site.proxy import views
from tests.frontend_site.browser import Browser, set_cookie_lines
from tests.frontend_site.stub import (
    EXPIRE_SESSION,
    HANDLE,
    NEW_TOKEN,
    NO_SESSION,
    RETRY_SOON,
    SESSION_ENDED,
    SET_SESSION,
    STORE_DOWN,
    TOKEN,
    Canned,
    Stub,
    current_session,
    problem,
)

ROUTES = [
    ("POST", "/api/auth/login", "POST /v1/login"),
    ("POST", "/api/auth/logout", "POST /v1/logout"),
    ("GET", "/api/auth/session", "GET /v1/session"),
    ("GET", "/api/auth/session?slide=false", "GET /v1/session?slide=false"),
    ("GET", "/api/auth/session?slide=1%26x", "GET /v1/session"),
    ("GET", "/api/auth/sessions", "GET /v1/sessions"),
    ("DELETE", f"/api/auth/sessions/{HANDLE}", f"DELETE /v1/sessions/{HANDLE}"),
    ("POST", "/api/auth/sessions/revoke-others", "POST /v1/sessions/revoke-others"),
    ("POST", "/api/auth/sessions/revoke-all", "POST /v1/sessions/revoke-all"),
    ("POST", "/api/auth/reauthenticate", "POST /v1/reauthenticate"),
    ("POST", "/api/auth/register", "POST /v1/register"),
    ("POST", "/api/auth/email/verify", "POST /v1/email/verify"),
    ("POST", "/api/auth/email/resend", "POST /v1/email/resend"),
    ("POST", "/api/auth/email/change", "POST /v1/email/change"),
    ("POST", "/api/auth/email/confirm", "POST /v1/email/confirm"),
    ("POST", "/api/auth/password/forgot", "POST /v1/password/forgot"),
    ("POST", "/api/auth/password/reset", "POST /v1/password/reset"),
    ("POST", "/api/auth/password/change", "POST /v1/password/change"),
    ("PATCH", "/api/auth/account", "PATCH /v1/account"),
    ("DELETE", "/api/auth/account", "DELETE /v1/account"),
    ("POST", "/api/auth/account/keep", "POST /v1/account/keep"),
    ("GET", "/api/auth/account/export", "GET /v1/account/export"),
]


@pytest.mark.parametrize(("method", "path", "call"), ROUTES)
def test_each_route_is_one_call(
    browser: Browser, stub: Stub, method: str, path: str, call: str
) -> None:
    browser.sign_in().call(method, path)
    assert stub.calls == [call]
    assert stub.seen[0].header("Cookie") == f"__Host-session={TOKEN}"


def test_metrics_and_logs_know_each_view_by_its_own_name() -> None:
    declared = {name: view for name, view in vars(views).items() if hasattr(view, "kind")}
    assert len(declared) > 30
    assert [name for name, view in declared.items() if view.__qualname__ != name] == []


def test_the_body_is_forwarded_byte_for_byte(browser: Browser, stub: Stub) -> None:
    body = b'{"email": "\xff\x00", "extra": [1, NaN]  '
    stub.answers["POST /v1/login"] = problem("invalid-request", 400, errors={"body": ["x"]})
    answer = browser.call("POST", "/api/auth/login", body)
    assert stub.seen[0].body == body
    assert stub.seen[0].header("Content-Type") == "application/json"
    assert answer.json()["errors"] == {"body": ["x"]}


def test_the_answer_is_auth_apis_byte_for_byte(browser: Browser, stub: Stub) -> None:
    body = json.dumps(current_session(name="<img src=x onerror=alert(1)>"), indent=3).encode()
    stub.answers["GET /v1/session"] = Canned(200, body)
    answer = browser.sign_in().call("GET", "/api/auth/session")
    assert answer.content == body
    assert answer["Content-Type"] == "application/json"


def test_set_cookie_passes_unchanged_several_too(browser: Browser, stub: Stub) -> None:
    lines = [
        SET_SESSION,
        "second=2;path=/;  secure",
        "second=again; Expires=Thu, 01 Jan 2026 00:00:00 GMT",
    ]
    headers = tuple(("Set-Cookie", line) for line in lines)
    stub.answers["POST /v1/login"] = Canned(200, current_session(), headers)
    passed = set_cookie_lines(browser.call("POST", "/api/auth/login"))
    assert passed[-3:] == lines
    assert passed[0].startswith("__Host-csrf=")
    assert len(passed) == 4


def test_only_listed_headers_come_back(browser: Browser, stub: Stub) -> None:
    listed = (("Retry-After", "30"), ("WWW-Authenticate", "Gatehouse"))
    unlisted = (
        ("Server", "secret/1.0"),
        ("X-Powered-By", "x"),
        ("Access-Control-Allow-Origin", "*"),
        ("Content-Security-Policy", "default-src *"),
        ("Cache-Control", "public, max-age=999"),
        ("Location", "https://evil.example"),
        ("X-Request-Id", "other-request"),
        ("Refresh", "0; url=https://evil.example"),
        ("Clear-Site-Data", '"cookies"'),
    )
    stub.answers["POST /v1/login"] = problem("throttled", 429, *listed, *unlisted, retry_after=30)
    answer = browser.call("POST", "/api/auth/login")
    assert (answer.status_code, answer["Retry-After"]) == (429, "30")
    assert answer["WWW-Authenticate"] == "Gatehouse"
    assert answer["Cache-Control"] == "no-store"
    for name, value in unlisted:
        assert answer.headers.get(name) != value


def test_nothing_of_the_browsers_own_headers_reaches_auth_api(browser: Browser, stub: Stub) -> None:
    claims = {
        "Authorization": "Bearer evil",
        "Gatehouse_Client_Address": "6.6.6.6",
        "Gatehouse_Client_User_Agent": "evil",
        "X_Forwarded_For": "6.6.6.6",
        "X_Forwarded_Host": "evil.example",
        "Forwarded": "for=6.6.6.6",
        "Accept_Language": "evil",
        "X_Method_Override": "DELETE",
        "Transfer_Encoding": "",
    }
    browser.sign_in().call("GET", "/api/auth/session", b"", "", User_Agent="Firefox", **claims)
    seen = stub.seen[0]
    assert seen.header("Gatehouse-Client-Address") == "127.0.0.1"
    assert seen.header("Gatehouse-Client-User-Agent") == "Firefox"
    assert [name for name, value in seen.headers if "evil" in value or "6.6.6.6" in value] == []


@pytest.mark.parametrize(
    "handle",
    [
        "..",
        "../../admin/",
        "%2e%2e",
        "%2e%2e%2fv1",
        "a" * 15,
        "a" * 17,
        "a" * 15 + "%2f",
        "a" * 15 + "?",
        "a" * 16 + "%0a",
        "a" * 16 + "/",
    ],
)
def test_a_handle_that_is_none_is_a_404_and_no_call(
    browser: Browser, stub: Stub, handle: str
) -> None:
    answer = browser.sign_in().call("DELETE", f"/api/auth/sessions/{handle}")
    assert answer.status_code == 404
    assert stub.calls == []


@pytest.mark.parametrize(
    ("canned", "status", "slug"),
    [
        (NO_SESSION, 401, "no-session"),
        (SESSION_ENDED, 401, "session-ended"),
        (STORE_DOWN, 503, "session-store-unavailable"),
        (problem("internal-error", 500), 500, "internal-error"),
        (problem("not-found", 404), 404, "not-found"),
    ],
)
def test_problems_pass_as_they_are(
    browser: Browser, stub: Stub, canned: Canned, status: int, slug: str
) -> None:
    stub.answers["GET /v1/session"] = canned
    answer = browser.sign_in().call("GET", "/api/auth/session")
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["type"] == f"urn:gatehouse:problem:{slug}"


def test_a_problem_of_ours_has_every_member(browser: Browser, auth_api_down: None) -> None:
    answer = browser.sign_in().call("GET", "/api/auth/session")
    document = answer.json()
    assert (answer.status_code, answer["Retry-After"]) in RETRY_SOON
    assert document["type"] == "urn:gatehouse:problem:auth-api-unavailable"
    assert set(document) == {"type", "title", "status", "detail", "request_id"}
    assert document["request_id"] == answer["X-Request-Id"]
    assert document["status"] == 503


def test_no_cookie_passes_with_a_5xx(browser: Browser, stub: Stub) -> None:
    stub.answers["GET /v1/session"] = problem("x", 503, ("Set-Cookie", EXPIRE_SESSION))
    assert set_cookie_lines(browser.sign_in().call("GET", "/api/auth/session")) == []


def test_a_refused_service_key_is_not_taken_for_a_signed_out_user(
    browser: Browser, stub: Stub
) -> None:
    stub.answers["GET /v1/session"] = problem("service-token-required", 401)
    answer = browser.sign_in().call("GET", "/api/auth/session")
    assert answer.status_code == 503
    assert "WWW-Authenticate" not in answer.headers


def test_login_binds_the_next_token_to_the_new_session(browser: Browser) -> None:
    browser.call("POST", "/api/auth/login")
    assert browser.cookies["__Host-session"] == NEW_TOKEN
    assert browser.call("POST", "/api/auth/sessions/revoke-others").status_code == 200


def test_logout_expires_the_cookie_clears_caches_and_works_twice(browser: Browser) -> None:
    answer = browser.sign_in().call("POST", "/api/auth/logout")
    assert answer.status_code == 204
    assert answer["Clear-Site-Data"] == '"cache", "storage"'
    assert EXPIRE_SESSION in set_cookie_lines(answer)
    assert "__Host-session" not in browser.cookies
    assert browser.call("POST", "/api/auth/logout").status_code == 204


def test_logout_takes_no_body_at_all_too(browser: Browser) -> None:
    assert browser.sign_in().call("POST", "/api/auth/logout", b"", "").status_code == 204


def test_an_ended_session_is_expired_as_auth_api_says(browser: Browser, stub: Stub) -> None:
    stub.answers["GET /v1/session"] = SESSION_ENDED
    browser.sign_in().call("GET", "/api/auth/session")
    assert "__Host-session" not in browser.cookies
    assert browser.call("POST", "/api/auth/login").status_code == 200


def test_json_answers_are_sandboxed(browser: Browser) -> None:
    answer = browser.sign_in().call("GET", "/api/auth/session")
    assert {"default-src 'none'", "sandbox", "frame-ancestors 'none'"} <= set(
        answer["Content-Security-Policy"].split("; ")
    )
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.parametrize(
    "garbage", [Canned(200, b"<html>", content_type="text/html"), Canned(200, [])]
)
def test_garbage_of_auth_api_is_a_503(browser: Browser, stub: Stub, garbage: Any) -> None:
    stub.answers["GET /v1/session"] = garbage
    assert browser.sign_in().call("GET", "/api/auth/session").status_code == 503


def test_the_keys_of_identity_tokens_are_for_everybody(browser: Any, stub: Stub) -> None:
    key = {"kty": "EC", "kid": "k1"}
    stub.answers["GET /v1/.well-known/jwks.json"] = Canned(200, {"keys": [key]})
    answer = browser.get("/.well-known/jwks.json")
    assert answer.status_code == 200
    assert answer.json() == {"keys": [key]}

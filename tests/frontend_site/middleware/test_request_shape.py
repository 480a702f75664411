"""Methods, sizes and kinds of bodies that nobody takes."""

import pytest

from tests.frontend_site.browser import Browser
from tests.frontend_site.stub import HANDLE, Stub

ALLOWED = {
    "/": "GET, HEAD",
    "/login": "GET, HEAD, POST",
    "/register": "GET, HEAD, POST",
    "/email/verify": "GET, HEAD, POST",
    "/email/confirm": "GET, HEAD, POST",
    "/email/resend": "GET, HEAD, POST",
    "/password/forgot": "GET, HEAD, POST",
    "/password/reset": "GET, HEAD, POST",
    "/account": "GET, HEAD",
    "/account/password": "GET, HEAD, POST",
    "/account/name": "GET, HEAD, POST",
    "/account/email": "GET, HEAD, POST",
    "/account/data": "GET, HEAD, POST",
    "/account/delete": "GET, HEAD, POST",
    "/logout": "GET, HEAD, POST",
    "/healthz": "GET, HEAD",
    "/readyz": "GET, HEAD",
    "/api/auth/csrf": "GET, HEAD",
    "/api/auth/login": "POST",
    "/api/auth/logout": "POST",
    "/api/auth/session": "GET, HEAD",
    "/api/auth/sessions": "GET, HEAD",
    f"/api/auth/sessions/{HANDLE}": "DELETE",
    "/api/auth/sessions/revoke-others": "POST",
    "/api/auth/sessions/revoke-all": "POST",
    "/api/auth/reauthenticate": "POST",
    "/api/auth/register": "POST",
    "/api/auth/email/verify": "POST",
    "/api/auth/email/resend": "POST",
    "/api/auth/email/change": "POST",
    "/api/auth/email/confirm": "POST",
    "/api/auth/password/forgot": "POST",
    "/api/auth/password/reset": "POST",
    "/api/auth/password/change": "POST",
    "/api/auth/account": "PATCH, DELETE",
    "/api/auth/account/export": "GET, HEAD",
}
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "FOO"]
JSON_ROUTES = [
    path for path, methods in ALLOWED.items() if "/api/" in path and "GET" not in methods
]


@pytest.mark.parametrize(("path", "allowed"), ALLOWED.items())
def test_a_wrong_method_is_a_405_that_names_the_right_ones(
    browser: Browser, stub: Stub, path: str, allowed: str
) -> None:
    browser.sign_in()
    for method in METHODS:
        if method in allowed.split(", "):
            continue
        answer = browser.send(method, path)
        assert (answer.status_code, answer["Allow"]) == (405, allowed), method
        is_json = answer["Content-Type"] == "application/problem+json"
        assert is_json == path.startswith("/api/")
    assert stub.calls == []


def test_a_preflight_gets_no_cors_headers(browser: Browser) -> None:
    headers = {"Origin": "https://evil.example", "Access_Control_Request_Method": "POST"}
    for path in ALLOWED:
        for method in ("OPTIONS", "GET", "POST"):
            answer = browser.send(method, path, **headers)
            assert not [name for name in answer.headers if name.startswith("Access-Control")]


@pytest.mark.parametrize("path", ["/login", "/register", *JSON_ROUTES])
def test_a_body_over_64_kib_is_a_413_before_anything_is_forwarded(
    browser: Browser, stub: Stub, path: str
) -> None:
    method = ALLOWED[path].split(", ")[0]
    answer = browser.sign_in().call(method, path, b"x" * (1024 * 1024))
    assert answer.status_code == 413
    assert stub.calls == []


def test_a_body_of_just_64_kib_is_forwarded(browser: Browser, stub: Stub) -> None:
    body = b'{"email": "' + b"x" * (64 * 1024 - 13) + b'"}'
    browser.call("POST", "/api/auth/login", body)
    assert stub.seen[0].body == body


@pytest.mark.parametrize("path", JSON_ROUTES)
@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=latin-1",
        "application/jsonx",
        "application/json, text/plain",
        "application/problem+json",
    ],
)
def test_a_call_that_is_not_json_is_a_415(
    browser: Browser, stub: Stub, path: str, content_type: str
) -> None:
    method = ALLOWED[path].split(", ")[0]
    answer = browser.sign_in().call(method, path, b"{}", content_type)
    assert answer.status_code == 415
    assert stub.calls == []


@pytest.mark.parametrize("path", JSON_ROUTES)
@pytest.mark.parametrize(
    "content_type", ["", "application/json", "text/plain", "application/x-www-form-urlencoded"]
)
def test_a_call_without_a_body_counts_as_one_without_fields(
    browser: Browser, stub: Stub, path: str, content_type: str
) -> None:
    """Where fields are needed, auth_api then says which (tests/e2e/test_front_end.py)."""
    answer = browser.sign_in().call(ALLOWED[path].split(", ")[0], path, b"", content_type)
    assert answer.status_code < 300
    assert (stub.seen[0].body, stub.seen[0].header("Content-Type")) == (b"{}", "application/json")


@pytest.mark.parametrize("content_type", ["application/json", 'Application/JSON; charset="UTF-8"'])
def test_json_in_utf_8_is_taken(browser: Browser, content_type: str) -> None:
    assert browser.call("POST", "/api/auth/login", b"{}", content_type).status_code == 200


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/json",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded; charset=hex",
        "application/x-www-form-urlencoded; charset=utf-7",
        "application/x-www-form-urlencoded; charset=nonsense",
    ],
)
def test_a_form_of_another_kind_is_a_415(browser: Browser, stub: Stub, content_type: str) -> None:
    answer = browser.send("POST", "/login", body=b"a=b", content_type=content_type)
    assert answer.status_code == 415
    assert stub.calls == []


@pytest.mark.parametrize("path", ["/api/auth/session", "/api/auth/sessions", "/api/auth/csrf"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_Fetch_Dest": "document"},
        {"Sec_Fetch_Dest": "script"},
        {"Sec_Fetch_Dest": "iframe"},
        {"Sec_Fetch_Dest": "image"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_data_is_not_given_to_documents_scripts_and_other_sites(
    browser: Browser, stub: Stub, path: str, headers: dict[str, str]
) -> None:
    answer = browser.sign_in().call("GET", path, b"", "", **headers)
    assert answer.status_code == 403
    assert answer.json()["type"] == "urn:gatehouse:problem:forbidden"
    assert answer.json()["reason"] == "not-a-fetch"
    assert stub.calls == []

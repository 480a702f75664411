"""Everything that a caller sends can be wrong: a clear 4xx, never a 500."""

import time
from typing import Any

import pytest
from django.conf import settings

from gatehouse.service_token import mint_service_token
from tests.auth_api.http import call, session_token
from tests.auth_api.sessions.conftest import PASSWORD, make_user

pytestmark = pytest.mark.django_db(transaction=True)

GOOD = b'{"email": "a@example.com", "password": "x"}'


@pytest.mark.parametrize(
    "body",
    [
        b" ", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b"{\x00}", b"[" * 60000,
        b'{"email": "a", "email": "b", "password": "x"}',
        b'{"email": NaN, "password": "x"}',
        b'{"email": "a", "password": "\\ud800"}',
        b'{"email": "a", "password": "x\\u0000"}',
        b'{"\\ud800": 1}',
        b'{"email": ' + b"9" * 5000 + b', "password": "x"}',
    ],
)  # fmt: skip
def test_broken_json_is_a_400(body: bytes) -> None:
    answer = call("POST", "/v1/login", body)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"is_staff": True}, "is_staff"),
        ({"user_id": "x"}, "user_id"),
        ({"email": 1}, "email"),
        ({"password": None}, "password"),
        ({"password": ""}, "password"),
        ({"remember": "yes"}, "remember"),
        ({"remember": 1}, "remember"),
        ({"password": "p" * 10_000}, "password"),
    ],
)
def test_unknown_fields_and_wrong_types_are_named(change: dict[str, Any], field: str) -> None:
    body = {"email": "a@example.com", "password": "x", **change}
    answer = call("POST", "/v1/login", body)
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]


def test_a_megabyte_is_too_much() -> None:
    assert call("POST", "/v1/login", b" " * 1024 * 1024).status_code == 413


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "x/json"])
def test_another_content_type_is_refused(kind: str) -> None:
    assert call("POST", "/v1/login", GOOD, content_type=kind).status_code == 415


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/v1/login", "POST"),
        ("GET", "/v1/logout", "POST"),
        ("POST", "/v1/session", "GET"),
        ("PUT", "/v1/register", "POST"),
        ("GET", "/v1/sessions/" + "a" * 16, "DELETE"),
    ],
)
def test_a_wrong_method_says_which_is_right(method: str, path: str, allow: str) -> None:
    answer = call(method, path, {})
    assert (answer.status_code, answer["Allow"]) == (405, allow)
    assert answer.json()["type"] == "urn:gatehouse:problem:method-not-allowed"


@pytest.mark.parametrize("method", ["TRACE", "FOO"])
def test_methods_that_we_do_not_speak(method: str) -> None:
    assert call(method, "/v1/session").status_code == 405


def service_headers() -> dict[str, str]:
    key = settings.GATEHOUSE.service_keys[0]
    good = mint_service_token(key)
    text = good.rpartition(".")[0]
    return {
        "missing": "",
        "empty": "Bearer ",
        "basic": "Basic " + good,
        "expired": "Bearer " + mint_service_token(key, lifetime=-61),
        "too long": "Bearer " + mint_service_token(key, lifetime=3600),
        "forged": f"Bearer {text}.{'A' * 43}",
        "later": f"Bearer v1.{key.id}.{int(time.time()) + 30}.{good.rpartition('.')[2]}x",
        "twice": f"Bearer {good},Bearer {good}",
        "other key": "Bearer " + good.replace(key.id, "nobody"),
    }


@pytest.mark.parametrize("case", list(service_headers()))
def test_without_a_good_service_token_nothing_happens(case: str, redis_client: Any) -> None:
    make_user("ada@example.com")
    body = {"email": "ada@example.com", "password": PASSWORD}
    answer = call("POST", "/v1/login", body, HTTP_AUTHORIZATION=service_headers()[case])
    assert answer.json()["type"] == "urn:gatehouse:problem:service-token-required"
    assert not answer.cookies
    assert redis_client.dbsize() == 0


def test_every_key_of_the_list_is_good() -> None:
    for key in settings.GATEHOUSE.service_keys:
        header = "Bearer " + mint_service_token(key)
        assert call("GET", "/v1/session", HTTP_AUTHORIZATION=header).status_code == 401
        answer = call("GET", "/v1/session", HTTP_AUTHORIZATION=header)
        assert answer.json()["type"] == "urn:gatehouse:problem:no-session"


def test_404_and_500_are_problems_too(monkeypatch: pytest.MonkeyPatch) -> None:
    assert call("GET", "/nowhere").json()["type"] == "urn:gatehouse:problem:not-found"

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a secret detail")

    monkeypatch.setattr("auth_api.sessions.services.current_session", broken)
    answer = call("GET", "/v1/session")
    assert answer.json()["type"] == "urn:gatehouse:problem:internal-error"
    assert b"secret detail" not in answer.content


def test_a_strangers_handle_is_not_found() -> None:
    ada, bob = make_user("ada@example.com"), make_user("bob@example.com")
    tokens, handles = [], []
    for user in (ada, bob):
        answer = call("POST", "/v1/login", {"email": user.email, "password": PASSWORD})
        tokens.append(session_token(answer))
        handles.append(answer.json()["session"]["handle"])
    assert call("DELETE", f"/v1/sessions/{handles[1]}", token=tokens[0]).status_code == 404
    assert call("GET", "/v1/session", token=tokens[1]).status_code == 200
    assert call("DELETE", f"/v1/sessions/{handles[0]}", token=tokens[0]).status_code == 204
    assert call("GET", "/v1/session", token=tokens[0]).status_code == 401


@pytest.mark.parametrize("path", ["/v1/session", "/nowhere", "/healthz", "/admin/login/"])
def test_every_answer_has_the_security_headers(path: str) -> None:
    headers = call("GET", path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["Referrer-Policy"] in ("no-referrer", "same-origin")

"""Sign in, who am I, sign out: over HTTP, as the BFF calls."""

from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.db import OperationalError

from auth_api.errors import Overloaded
from auth_api.users.models import User
from tests.auth_api.argon2_runs import argon2_runs
from tests.auth_api.http import call, session_token
from tests.auth_api.sessions.conftest import PASSWORD, make_user

pytestmark = pytest.mark.django_db(transaction=True)

LOGIN = {"email": "ada@example.com", "password": PASSWORD}


def login(**changes: Any) -> Any:
    return call("POST", "/v1/login", {**LOGIN, **changes})


def test_the_whole_way_from_login_to_logout(user: User) -> None:
    answer = login()
    assert answer.status_code == 200
    assert answer.json()["user"]["email"] == "ada@example.com"
    assert answer.json()["session"]["assurance"]["methods"] == ["pwd"]
    token = session_token(answer)
    assert call("GET", "/v1/session", token=token).json()["user"]["id"] == str(user.id)
    out = call("POST", "/v1/logout", {}, token=token)
    assert out.status_code == 204
    assert out.cookies["__Host-session"].value == ""
    dead = call("GET", "/v1/session", token=token)
    assert dead.status_code == 401
    assert call("POST", "/v1/logout", {}, token=token).status_code == 204


def test_the_cookie_has_every_attribute(user: User) -> None:
    cookie = login().cookies["__Host-session"]
    assert cookie["secure"]
    assert cookie["httponly"]
    assert (cookie["samesite"], cookie["path"], cookie["domain"]) == ("Strict", "/", "")
    assert cookie["max-age"] == ""
    remembered = login(remember=True).cookies["__Host-session"]
    assert 29 * 86400 < int(remembered["max-age"]) <= 30 * 86400


def test_the_token_is_in_no_body_and_no_other_header(user: User) -> None:
    answer = login()
    secret = session_token(answer).partition(".")[2]
    assert secret not in answer.content.decode()
    assert secret not in str(dict(answer.headers))


@pytest.mark.parametrize("case", ["unknown", "wrong", "inactive", "unverified"])
def test_every_refused_login_looks_the_same(user: User, case: str) -> None:
    make_user("off@example.com")
    User.objects.filter(email="off@example.com").update(is_active=False)
    User.objects.create_user("new@example.com", PASSWORD)
    body = {
        "unknown": {"email": "nobody@example.com"},
        "wrong": {"password": PASSWORD + "!"},
        "inactive": {"email": "off@example.com"},
        "unverified": {"email": "new@example.com"},
    }[case]
    answer = login(**body)
    document = answer.json()
    assert len(document.pop("request_id")) == 32
    assert answer.status_code == 401
    assert document == {
        "type": "urn:gatehouse:problem:invalid-credentials",
        "title": "Invalid credentials",
        "status": 401,
        "detail": "Incorrect e-mail address or password.",
    }
    assert sorted(answer.headers) == sorted(login(password="x" * 20).headers)
    assert not answer.cookies


DAMAGED = [
    "", "md5$salt$0123", "argon2$x", "argon2$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ", "pbkdf2_sha256$x",
]  # fmt: skip


@pytest.mark.parametrize(
    "case", ["right", "unknown", "wrong", "inactive", "unverified", "no password", *DAMAGED]
)
def test_every_login_costs_one_argon2_run(user: User, case: str) -> None:
    make_user("off@example.com")
    User.objects.filter(email="off@example.com").update(is_active=False)
    User.objects.create_user("new@example.com", PASSWORD)
    make_user("other@example.com")
    stored = make_password(None) if case == "no password" else case
    User.objects.filter(email="other@example.com").update(password=stored)
    body = {
        "right": {},
        "unknown": {"email": "nobody@example.com"},
        "wrong": {"password": PASSWORD + "!"},
        "inactive": {"email": "off@example.com"},
        "unverified": {"email": "new@example.com"},
    }.get(case, {"email": "other@example.com"})
    with argon2_runs() as runs:
        answer = login(**body)
    assert answer.status_code == (200 if case == "right" else 401)
    assert runs == {"libsodium": 1, "argon2-cffi": 0}


def test_any_spelling_of_the_address_signs_in(user: User) -> None:
    assert login(email=" ADA@Example.COM ").status_code == 200
    assert login(email="ａｄａ@example.com").status_code == 200


def test_login_ends_the_old_session_of_that_browser(user: User) -> None:
    first = session_token(login())
    second = call("POST", "/v1/login", LOGIN, token=first)
    assert session_token(second) != first
    assert call("GET", "/v1/session", token=first).status_code == 401


def test_an_older_hash_is_upgraded_and_no_session_ends(user: User) -> None:
    old = make_password(PASSWORD, hasher="pbkdf2_sha256")
    User.objects.filter(pk=user.pk).update(password=old)
    user.refresh_from_db()
    epoch = user.session_epoch
    assert login().status_code == 200
    user.refresh_from_db()
    assert user.password.startswith("argon2$argon2id$")
    assert user.session_epoch == epoch


@pytest.mark.parametrize("error", [Overloaded(), OperationalError("locked")])
def test_an_upgrade_that_fails_refuses_nobody_and_gives_no_try_back(
    user: User, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """The password was compared: a try given back now would be a free guess."""
    old = make_password(PASSWORD, hasher="pbkdf2_sha256")
    User.objects.filter(pk=user.pk).update(password=old)
    given_back: list[object] = []
    monkeypatch.setattr(
        "auth_api.throttling.LoginThrottle.give_back", lambda self: given_back.append(self)
    )

    def fail(self: User, password: str) -> None:
        raise error

    monkeypatch.setattr(User, "rehash_password", fail)
    assert login().status_code == 200
    assert given_back == []


@pytest.mark.parametrize("junk", ["", " ", "x", "A" * 16 + "." + "B" * 42, "A" * 60, "é" * 60])
def test_a_garbled_cookie_is_as_if_absent(user: User, junk: str) -> None:
    raw = junk.encode().decode("latin-1")
    answer = call("GET", "/v1/session", HTTP_COOKIE=f"__Host-session={raw}")
    assert answer.json()["type"] == "urn:gatehouse:problem:no-session"


@pytest.mark.parametrize("name", ["__Host-session", "\u2000__Host-session", "\xa0__Host-session"])
def test_a_tossed_second_cookie_is_refused(user: User, name: str) -> None:
    token = session_token(login())
    tossed = f"{name}={token}".encode().decode("latin-1")
    answer = call("GET", "/v1/session", HTTP_COOKIE=f"__Host-session={token}; {tossed}")
    assert answer.status_code == 400


def test_two_cookie_lines_joined_by_a_comma_open_nothing(user: User) -> None:
    token = session_token(login())
    joined = f"__Host-session={token},__Host-session={token}"
    assert call("GET", "/v1/session", HTTP_COOKIE=joined).status_code == 400
    behind = f"a=b,__Host-session={token}"
    assert call("GET", "/v1/session", HTTP_COOKIE=behind).status_code == 401


def test_after_many_failures_the_address_must_wait_and_the_owner_elsewhere_need_not(
    user: User,
) -> None:
    answers = [login(password="wrong " * 4) for _ in range(11)]
    assert [a.status_code for a in answers] == [401] * 10 + [429]
    assert 0 < int(answers[-1]["Retry-After"]) <= 30
    assert answers[-1].json()["retry_after"] == int(answers[-1]["Retry-After"])
    elsewhere = call("POST", "/v1/login", LOGIN, HTTP_GATEHOUSE_CLIENT_ADDRESS="198.51.100.9")
    assert elsewhere.status_code == 200

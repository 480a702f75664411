"""Each attempt leaves its event, with the reason that the answer does not tell (ASVS 16.3)."""

import time
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from auth_api.sessions.services import end_all_sessions
from auth_api.tries import FREE_TRIES
from auth_api.users.models import User
from gatehouse.keys import Key
from gatehouse.service_token import mint_service_token
from tests.auth_api.http import call, session_token
from tests.auth_api.logs import logged, names_of
from tests.auth_api.sessions.conftest import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)
LOGIN = {"email": "ada@example.com", "password": PASSWORD}


def login(**changes: Any) -> Any:
    return call("POST", "/v1/login", {**LOGIN, **changes}, HTTP_X_REQUEST_ID="request-1")


@pytest.mark.parametrize(
    ("reason", "changes", "fields"),
    [
        ("unknown-address", {"email": "nobody@example.com"}, {}),
        ("wrong-password", {"password": "x" * 20}, {}),
        ("inactive", {}, {"is_active": False}),
        ("unverified", {}, {"email_verified": False}),
        ("no-password", {}, {"password": "!"}),
        ("unusable-input", {"email": ""}, {}),
    ],
)
def test_a_refused_login_is_one_event_with_its_reason(
    user: User, reason: str, changes: dict[str, Any], fields: dict[str, Any]
) -> None:
    User.objects.filter(pk=user.pk).update(**(fields or {"name": "Ada"}))
    with logged() as events:
        assert login(**changes).status_code == 401
    (event,) = events
    known = reason not in ("unknown-address", "unusable-input")
    assert (event["event"], event["reason"]) == ("login.failed", reason)
    assert event["user"] == (str(user.id) if known else None)
    assert (event["address"], event["request_id"]) == ("203.0.113.7", "request-1")
    assert "nobody" not in str(event)  # people type passwords there


def test_a_throttled_login_is_an_event(user: User) -> None:
    for _ in range(FREE_TRIES):
        login(password="x" * 20)
    with logged() as events:
        assert login().status_code == 429
    assert names_of(events) == ["login.throttled"]


def test_a_login_and_a_logout_name_the_session_by_its_handle(user: User) -> None:
    with logged() as events:
        answer = login()
        token = session_token(answer)
        call("POST", "/v1/logout", {}, token=token)
        call("POST", "/v1/logout", {})  # nothing ended, nothing said
    assert names_of(events) == ["login.succeeded", "session.started", "session.ended"]
    handle = answer.json()["session"]["handle"]
    assert events[1]["handle"] == events[2]["handle"] == handle


def test_a_missing_service_token_is_an_event_without_the_browsers_word() -> None:
    with logged() as events:
        call("GET", "/v1/session", HTTP_AUTHORIZATION="Bearer x")
    (event,) = events
    assert event["event"] == "service_token.refused"
    assert event["address"] == "127.0.0.1"  # not what the stranger says of itself
    assert event["reason"] == "malformed token"


def test_the_log_says_by_how_much_the_sites_clock_differs() -> None:
    token = mint_service_token(settings.GATEHOUSE.service_keys[0], now=time.time() + 3600)
    with logged() as events:
        call("GET", "/v1/session", HTTP_AUTHORIZATION=f"Bearer {token}")
    (event,) = events
    assert (event["reason"], event["kid"]) == ("clocks differ", "test2")
    assert 3590 < event["seconds_ahead"] <= 3600


def test_the_log_tells_keys_that_differ_from_clocks_that_do() -> None:
    stranger = mint_service_token(Key("strange", b"x" * 40), now=time.time() + 3600)
    with logged() as events:
        call("GET", "/v1/session", HTTP_AUTHORIZATION=f"Bearer {stranger}")
    assert (events[0]["reason"], events[0]["kid"]) == ("unknown key", "strange")
    assert "seconds_ahead" not in events[0]


def test_people_who_are_no_staff_leave_an_event_at_the_admins_door(user: User) -> None:
    with logged() as events:
        Client().post("/admin/login/", {"username": user.email, "password": PASSWORD})
    assert names_of(events)[-1] == "login.failed"
    assert events[-1]["reason"] == "not-staff"


def test_a_login_whose_user_is_ended_meanwhile_starts_nothing(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from auth_api.api import login as view

    honest = view.first_step

    def overtaken(**arguments: Any) -> Any:
        found, tries = honest(**arguments)
        end_all_sessions(found_now := User.objects.get(pk=found.pk))
        assert found_now.session_epoch != found.session_epoch
        return found, tries

    monkeypatch.setattr(view, "first_step", overtaken)
    answer = login()
    assert answer.status_code == 401
    assert not any(cookie.value for cookie in answer.cookies.values())

"""A log that cannot be written loses nothing silently, and signs nobody in or out."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError

from auth_api.security_log.events import Event
from auth_api.security_log.kinds import Kind
from auth_api.security_log.origin import Origin
from auth_api.security_log.writer import LIMIT, STRANGERS_LIMIT, EventWriter
from auth_api.users.models import User
from tests.auth_api.http import call, session_token
from tests.auth_api.logs import logged, names_of
from tests.auth_api.security_log.conftest import rename_table
from tests.auth_api.security_log.test_recording import login

pytestmark = pytest.mark.django_db(transaction=True)
Back = Callable[[], None]


def test_a_sign_in_works_and_its_event_is_written_later(without_table: Back, log: Any) -> None:
    with logged() as events:
        answer = login()
    assert answer.status_code == 200
    assert {"session.started", "security_log.waits"} <= set(names_of(events))
    without_table()
    (event,) = log()
    assert event.handle == answer.json()["session"]["handle"]


def test_failures_wait_too_and_are_counted_up(without_table: Back, log: Any) -> None:
    with logged() as events:
        assert [login("x" * 20).status_code for _ in range(3)] == [401] * 3
    assert names_of(events).count("login.failed") == 3
    without_table()
    assert sum(event.count for event in log()) == 3


def test_signing_out_and_ending_sessions_work(without_table: Back) -> None:
    token, other = session_token(login()), session_token(login())
    assert call("POST", "/v1/sessions/revoke-others", {}, token=token).status_code == 200
    assert call("GET", "/v1/session", token=other).status_code == 401
    assert call("GET", "/v1/session", token=token).status_code == 200
    assert call("POST", "/v1/logout", {}, token=token).status_code == 204
    assert call("GET", "/v1/session", token=token).status_code == 401


def test_the_log_itself_is_unknown_then_and_nobody_is_signed_out(without_table: Back) -> None:
    token = session_token(login())
    answer = call("GET", "/v1/security-events", token=token)
    assert answer.status_code in (500, 503)
    assert not answer.cookies
    without_table()
    assert call("GET", "/v1/security-events", token=token).status_code == 200


def test_no_change_is_made_without_its_event(user: User, without_table: Back, log: Any) -> None:
    user.name = "Mallory"
    with pytest.raises(DatabaseError):
        user.save()
    without_table()
    assert User.objects.get(pk=user.pk).name == "Ada"
    assert log() == []


def test_signing_out_needs_no_database(user: User, redis_client: Any) -> None:
    token = session_token(login())
    for key in redis_client.scan_iter("gh:{*:card"):
        redis_client.delete(key)  # so that whose session it is, only the database knows
    rename_table("users_user", "users_user_away")
    try:
        with logged() as events:
            assert call("POST", "/v1/logout", {}, token=token).status_code == 204
    finally:
        rename_table("users_user_away", "users_user")
    assert names_of(events) == ["session.ended"]
    assert call("GET", "/v1/session", token=token).status_code == 401


def test_what_waits_is_bounded_and_strangers_crowd_out_nothing(
    user: User, without_table: Back, log: Any
) -> None:
    writer = EventWriter()
    with logged() as events:
        for number in range(LIMIT):
            origin = Origin("owner", address=f"198.51.{number // 256}.{number % 256}")
            writer.add(Event(Kind.SIGN_IN_FAILED, origin, user.pk))
        writer.add(Event(Kind.SESSION_ENDED, Origin("owner"), user.pk))
    assert names_of(events).count("security_log.dropped") == LIMIT - STRANGERS_LIMIT
    without_table()
    assert writer.drain(30)
    assert sum(event.count for event in log()) == STRANGERS_LIMIT + 1
    assert {event.kind for event in log()} == {"login.failed", "session.ended"}

"""After a 503 nothing has happened: no session, no changed account, no event, no mail."""

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, transaction

from auth_api import deadline
from auth_api.database.limits import VALIDATION_TIMEOUT
from auth_api.mail.models import OutboxMail
from auth_api.security_log.models import SecurityEvent
from auth_api.security_log.writer import writer
from auth_api.sessions.exceptions import SessionStoreUnavailable
from auth_api.users.models import User
from tests.auth_api.argon2_runs import argon2_runs
from tests.auth_api.http import call, session_token
from tests.auth_api.interruptions import during_hashes, nothing
from tests.auth_api.locks import somebody_waits
from tests.auth_api.mails import mailed_token
from tests.auth_api.sessions.conftest import PASSWORD, is_alive
from tests.store_contents import stored_keys
from tests.topologies import wait_for

pytestmark = pytest.mark.django_db(transaction=True)

EMAIL, NEW = "ada@example.com", "nine green bottles on a wall"
LOGIN = {"email": EMAIL, "password": PASSWORD}
CHANGE = {"current_password": PASSWORD, "new_password": NEW}


class Caller:
    """The caller's end of a connection, as gunicorn shows it to the application."""

    def __init__(self) -> None:
        self._mine, self.served = socket.socketpair()

    def hang_up(self) -> None:
        self._mine.close()

    def call(self, method: str, path: str, body: Any = None, **headers: Any) -> Any:
        return call(method, path, body, **{"gunicorn.socket": self.served, **headers})

    def close(self) -> None:
        self._mine.close()
        self.served.close()


@pytest.fixture
def token(user: Any) -> str:
    return session_token(call("POST", "/v1/login", LOGIN))


@pytest.fixture
def caller() -> Iterator[Caller]:
    made = Caller()
    yield made
    made.close()


@pytest.fixture
def unchanged(user: Any, token: str, redis_client: Any) -> Callable[[], None]:
    """Return an assertion that all is as it is now."""

    def state() -> tuple[Any, ...]:
        assert writer.drain()
        account = User.objects.values("email", "password", "session_epoch", "is_active").get()
        events = list(SecurityEvent.objects.values_list("kind", flat=True))
        sessions = sorted(key for key in stored_keys(redis_client) if b":s:" in key)
        return account, events, sessions, OutboxMail.objects.count(), is_alive(token)

    before = state()

    def check() -> None:
        assert state() == before

    return check


CALLS = {
    "login": ("POST", "/v1/login", LOGIN),
    "reauthenticate": ("POST", "/v1/reauthenticate", {"password": PASSWORD}),
    "change password": ("POST", "/v1/password/change", CHANGE),
    "forgot password": ("POST", "/v1/password/forgot", {"email": EMAIL}),
    "register": ("POST", "/v1/register", {"email": "new@example.com", "password": NEW}),
    "change address": ("POST", "/v1/email/change", {"email": "new@example.com"}),
    "log out": ("POST", "/v1/logout", {}),
    "revoke others": ("POST", "/v1/sessions/revoke-others", {}),
    "revoke all": ("POST", "/v1/sessions/revoke-all", {}),
    "delete": ("DELETE", "/v1/account", {"email": EMAIL}),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_whose_caller_has_hung_up_in_the_queue_does_nothing(
    caller: Caller, token: str, unchanged: Callable[[], None], name: str
) -> None:
    method, path, body = CALLS[name]
    caller.hang_up()
    answer = caller.call(method, path, body, token=token)
    assert answer.status_code == 503
    assert answer["Content-Type"] == "application/problem+json"
    assert not answer.cookies
    unchanged()


@pytest.mark.parametrize("name", CALLS)
def test_a_call_without_any_time_does_nothing(
    token: str, unchanged: Callable[[], None], name: str
) -> None:
    method, path, body = CALLS[name]
    answer = call(method, path, body, token=token, HTTP_GATEHOUSE_DEADLINE="0")
    assert answer.status_code == 503
    unchanged()


@pytest.mark.parametrize(
    ("name", "before"),
    [("login", 0), ("reauthenticate", 0), ("change password", 0), ("change password", 1)],
)
def test_a_caller_that_gives_up_while_a_password_is_hashed_gets_nothing_done(
    caller: Caller, token: str, unchanged: Callable[[], None], settings: Any, name: str, before: int
) -> None:
    method, path, body = CALLS[name]
    with during_hashes(settings, *[nothing] * before, caller.hang_up):
        answer = caller.call(method, path, body, token=token)
    assert answer.status_code == 503
    unchanged()


def test_a_link_is_not_used_up_for_a_caller_that_gives_up(
    caller: Caller, user: Any, settings: Any
) -> None:
    call("POST", "/v1/password/forgot", {"email": EMAIL})
    link = mailed_token(EMAIL)
    form = {"token": link, "password": NEW}
    with during_hashes(settings, caller.hang_up):
        assert caller.call("POST", "/v1/password/reset", form).status_code == 503
    assert call("POST", "/v1/password/reset", form).status_code == 200


def test_a_transaction_is_rolled_back_when_its_caller_hangs_up_before_the_commit(
    caller: Caller, user: Any
) -> None:
    def rename() -> None:
        with deadline.limited("60000", caller.served.fileno()), transaction.atomic():
            user.name = "Eve"
            user.save()
            caller.hang_up()

    with pytest.raises(deadline.DeadlinePassed):
        rename()
    assert User.objects.get().name == "Ada"


@pytest.mark.parametrize("name", ["change password", "revoke all", "delete"])
def test_a_lock_is_not_waited_for_longer_than_the_caller_waits(
    token: str, unchanged: Callable[[], None], name: str
) -> None:
    """The lock is held until the call is answered, and then released: whoever waits behind it may go on."""
    method, path, body = CALLS[name]
    held, answered = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            User.objects.select_for_update().get()
            held.set()
            answered.wait(60)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(60)
    answer = call(method, path, body, token=token, HTTP_GATEHOUSE_DEADLINE="1500")
    answered.set()
    holder.join()
    assert answer.status_code == 503
    if connection.vendor == "postgresql":
        wait_for(lambda: not somebody_waits(), "the server to be done with it")
    unchanged()


# -- after the effect -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["change password", "revoke all", "delete"])
def test_what_is_committed_is_answered_even_if_the_caller_gives_up_then(
    caller: Caller, token: str, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(
        "auth_api.sessions.snapshots.announce_revoked", lambda *_, **__: caller.hang_up()
    )
    method, path, body = CALLS[name]
    assert caller.call(method, path, body, token=token).status_code in (200, 202, 204)


def unavailable(*_: Any, **__: Any) -> Any:
    raise SessionStoreUnavailable("gone")


def test_a_committed_change_of_password_is_never_answered_with_try_again(
    token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("auth_api.sessions.store.create_session", unavailable)
    answer = call("POST", "/v1/password/change", CHANGE, token=token)
    assert answer.json()["type"] == "urn:gatehouse:problem:password-changed"
    assert answer.cookies["__Host-session"]["max-age"] == 0
    assert User.objects.get().check_password(NEW)


@pytest.mark.parametrize("name", ["revoke all", "delete"])
def test_committed_ends_need_no_redis_any_more(
    token: str, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("auth_api.sessions.store.backend.end", unavailable)
    method, path, body = CALLS[name]
    answer = call(method, path, body, token=token)
    assert answer.status_code in (200, 202, 204)
    assert answer.cookies["__Host-session"]["max-age"] == 0
    assert not is_alive(token)


def test_a_lost_snapshot_after_a_commit_is_no_failure(
    token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_database(*_: Any) -> Any:
        raise deadline.DeadlinePassed

    monkeypatch.setattr("auth_api.sessions.snapshots.make_snapshot", no_database)
    assert call("POST", "/v1/sessions/revoke-all", {}, token=token).status_code == 200


# -- what the above rests on ------------------------------------------------------------------------


def test_nothing_is_hashed_for_a_caller_that_has_hung_up(caller: Caller, user: Any) -> None:
    caller.hang_up()
    with argon2_runs() as runs:
        assert caller.call("POST", "/v1/login", LOGIN).status_code == 503
    assert not any(runs.values())


def test_a_request_for_a_mail_is_one_transaction(
    caller: Caller, user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = OutboxMail.objects.create

    def create_and_hang_up(**fields: Any) -> None:
        create(**fields)
        caller.hang_up()

    monkeypatch.setattr("auth_api.mail.outbox.OutboxMail.objects.create", create_and_hang_up)
    form = {"email": EMAIL}
    assert caller.call("POST", "/v1/password/forgot", form).status_code == 503
    assert not OutboxMail.objects.exists()


@pytest.mark.parametrize("name", CALLS)
def test_all_that_a_call_writes_is_in_transactions(token: str, name: str) -> None:
    """A statement of its own is committed by the server, whatever the deadline says."""
    alone = []

    def watch(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        writes = sql.split(None, 1)[0] in ("INSERT", "UPDATE", "DELETE")
        if writes and not connection.in_atomic_block and deadline.left() is not None:
            alone.append(sql)
        return execute(sql, *rest)

    method, path, body = CALLS[name]
    with connection.execute_wrapper(watch):
        assert call(method, path, body, token=token).status_code < 300
    assert not alone


def test_a_validation_has_little_time_for_the_database(
    token: str, redis_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = []

    def slow(ref: str, run: bytes) -> Any:
        limits.append(deadline.left())
        raise deadline.DeadlinePassed

    monkeypatch.setattr("auth_api.sessions.loading.read_snapshot", slow)
    redis_client.delete(f"gh:{{{token[:16]}}}:card")
    answer = call("GET", "/v1/session", token=token)
    assert answer.status_code == 503
    assert not answer.cookies
    assert limits[0] is not None
    assert limits[0] <= VALIDATION_TIMEOUT < 2

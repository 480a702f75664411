"""Every way a session can end is told to those who listen; none waits for a listener."""

import dataclasses
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from redis.exceptions import RedisClusterException

from auth_api.options import options
from auth_api.sessions import services
from auth_api.sessions.exceptions import SessionStoreUnavailable
from auth_api.sessions.redis import revocations
from auth_api.sessions.redis.revocations import READY, Revocations, announce_revoked
from auth_api.sessions.store import SessionStore
from auth_api.sessions.tokens import SessionToken
from auth_api.users.flows.password import change_password
from auth_api.users.services import set_active
from tests.auth_api.sessions.conftest import PASSWORD, is_alive, make_user, request_with

SignIn = Callable[..., SessionStore]
Told = Callable[[], list[dict[str, str]]]
MARK = "m" * 16


@pytest.fixture
def told(redis_client: Any) -> Iterator[Told]:
    """Return a function that gives what was told since the test began."""
    listener = Revocations()
    messages = iter(listener)
    assert next(filter(None, messages)) == READY

    def read() -> list[dict[str, str]]:
        announce_revoked(MARK)
        found = []
        for text in filter(None, messages):
            message = json.loads(text)
            if message == {"ref": MARK}:
                return found
            found.append(message)
        raise AssertionError("the listener ended")

    yield read
    listener.close()


def one(store: SessionStore | str | None) -> dict[str, str]:
    key = store if isinstance(store, str) else store.session_key if store else None
    token = SessionToken.parse(key)
    assert token
    return {"ref": token.ref, "handle": token.handle}


def test_a_login_tells_nothing(sign_in: SignIn, told: Told) -> None:
    sign_in()
    assert told() == []


def test_a_validation_tells_nothing(sign_in: SignIn, told: Told) -> None:
    token = str(sign_in().session_key)
    assert is_alive(token)
    services.current_session(request_with(token))
    assert told() == []


def test_signing_out_tells_of_one_session(sign_in: SignIn, told: Told) -> None:
    token = str(sign_in().session_key)
    services.end_session(request_with(token))
    assert told() == [one(token)]
    services.end_session(request_with(token))  # it was over already
    assert told() == []


def test_ending_another_device_tells_of_that_one(sign_in: SignIn, told: Told) -> None:
    here, there = sign_in(), sign_in()
    services.end_session_by_handle(request_with(here.session_key), one(there)["handle"])
    assert told() == [one(there)]


def test_ending_all_others_names_the_one_that_stays(sign_in: SignIn, told: Told) -> None:
    here, _, _ = sign_in(), sign_in(), sign_in()
    services.end_other_sessions(request_with(here.session_key))
    told_of = one(here)
    assert told() == [{"ref": told_of["ref"], "kept": told_of["handle"]}]


def test_a_new_secret_is_told_as_the_same_session(sign_in: SignIn, told: Told) -> None:
    request = request_with(sign_in().session_key)
    old = one(request.session)
    services.renew_session(request, methods=("pwd",))
    assert told() == [{**old, "renewed": one(request.session)["handle"]}]


def test_signing_in_again_in_one_browser_is_told_as_the_same_session(
    sign_in: SignIn, user: Any, told: Told
) -> None:
    request = request_with(sign_in().session_key)
    old = one(request.session)
    services.start_session(request, user, remember=False, methods=("pwd",))
    assert told() == [{**old, "renewed": one(request.session)["handle"]}]


def test_signing_in_as_somebody_else_ends_the_first(sign_in: SignIn, told: Told) -> None:
    token = str(sign_in().session_key)
    other = make_user("grace@example.com")
    services.start_session(request_with(token), other, remember=False, methods=("pwd",))
    assert told() == [one(token)]


def test_a_changed_password_ends_all_and_goes_on_here(
    sign_in: SignIn, user: Any, told: Told
) -> None:
    request = request_with(sign_in().session_key)
    request.client_address = "203.0.113.7"
    old = one(request.session)
    change_password(
        request=request, current_password=PASSWORD, new_password="another quiet harbour at dawn"
    )
    renewed = {**old, "renewed": one(request.session)["handle"]}
    assert [message for message in told() if "handle" in message or message == {"ref": old["ref"]}] == [
        {"ref": old["ref"]}, renewed,
    ]  # fmt: skip


def test_a_session_that_had_to_go_for_a_new_one_is_told(
    sign_in: SignIn, told: Told, settings: Any
) -> None:
    settings.GATEHOUSE = dataclasses.replace(options(), session_limit=1)
    sign_in()
    second = one(sign_in())
    assert told() == [{"ref": second["ref"], "kept": second["handle"]}]


@pytest.mark.parametrize("sessions", [1, 5])
def test_a_raised_epoch_is_told_once_however_many_sessions(
    sign_in: SignIn, user: Any, told: Told, sessions: int
) -> None:
    for _ in range(sessions):
        sign_in()
    services.end_all_sessions(user)
    assert told() == [{"ref": user.session_ref}]


@pytest.mark.parametrize("change", ["deactivate", "password", "delete", "bulk", "bulk delete"])
def test_what_ends_all_sessions_of_a_user_is_told(
    sign_in: SignIn, user: Any, told: Told, change: str
) -> None:
    sign_in()
    rows = get_user_model().objects.filter(pk=user.pk)
    ref = user.session_ref
    match change:
        case "deactivate":
            set_active([user], active=False)
        case "password":
            user.set_password("another quiet harbour")
            user.save()
        case "delete":
            user.delete()
        case "bulk":
            rows.update(is_active=False)
        case "bulk delete":
            rows.delete()
    assert told() == [{"ref": ref}]


def test_a_lost_telling_does_not_undo_the_end(
    sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ConnectionResetError

    token = str(sign_in().session_key)
    with monkeypatch.context() as patched:
        patched.setattr(revocations, "ask", fail)
        services.end_session(request_with(token))
    assert not is_alive(token)


def test_what_was_told_shows_no_secret(sign_in: SignIn, told: Told) -> None:
    token = SessionToken.parse(sign_in().session_key)
    assert token
    services.end_session(request_with(token.value))
    [message] = told()
    assert token.secret not in json.dumps(message)
    assert token.id_hash not in json.dumps(message)


def test_a_listener_of_a_silent_redis_learns_it(
    redis_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener = Revocations()
    monkeypatch.setattr(revocations, "_TICK", 0.05)
    monkeypatch.setattr(listener._pubsub, "ping", lambda: None)  # as if no pong ever came
    with pytest.raises(SessionStoreUnavailable):
        list(listener)
    listener.close()


def test_a_connection_that_broke_is_told_as_a_gap(redis_client: Any) -> None:
    listener = Revocations()
    messages = iter(listener)
    assert next(filter(None, messages)) == READY
    listener._pubsub.connection._sock.shutdown(socket.SHUT_RDWR)
    with suppress(SessionStoreUnavailable):  # as good: whoever reads comes back, and knows
        assert next(filter(None, messages)) == READY
    listener.close()


def test_a_cluster_without_nodes_fails_no_end_that_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its client raises what is no RedisError, also when it is made."""

    def unreachable() -> Any:
        raise RedisClusterException("no node answers")

    monkeypatch.setattr(revocations, "connection", unreachable)
    announce_revoked(MARK)
    with pytest.raises(SessionStoreUnavailable):
        Revocations()

"""Foreign or unreadable values in Redis: they end a session, and never cause an outage."""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from auth_api.options import options
from auth_api.sessions import services
from auth_api.sessions.exceptions import SessionStoreUnavailable
from auth_api.sessions.redis.backend import backend
from auth_api.sessions.redis.keys import index_key, record_key, snapshot_key
from auth_api.sessions.store import SessionStore
from auth_api.sessions.tokens import SessionToken
from tests.auth_api.http import call, session_token
from tests.auth_api.sessions.conftest import PASSWORD, is_alive, request_with

SignIn = Callable[..., SessionStore]


def record_of(token: str) -> str:
    parsed = SessionToken.parse(token)
    assert parsed
    return record_key(parsed.ref, parsed.id_hash)


@pytest.mark.parametrize("left", [0, 1, 20, 30, 42])
def test_a_record_that_is_cut_short_is_ended_and_deleted(
    sign_in: SignIn, redis_client: Any, left: int
) -> None:
    broken, whole = sign_in().session_key, sign_in().session_key
    key = record_of(broken)
    redis_client.set(key, redis_client.get(key)[:left], keepttl=True)
    assert not is_alive(broken)
    assert not redis_client.exists(key)
    assert len(services.list_sessions(request_with(whole))) == 1


def test_a_record_of_an_unknown_format_is_ended_and_deleted(
    sign_in: SignIn, redis_client: Any
) -> None:
    key = record_of(token := sign_in().session_key)
    redis_client.set(key, b"\0" + redis_client.get(key)[1:], keepttl=True)
    assert not is_alive(token)
    assert not redis_client.exists(key)


@pytest.mark.parametrize("kind", ["record", "index", "snapshot"])
@pytest.mark.parametrize("fill", ["hset", "rpush", "set"])
def test_a_key_of_another_type_is_deleted_and_everything_works_again(
    sign_in: SignIn, user: Any, redis_client: Any, kind: str, fill: str
) -> None:
    token = sign_in().session_key
    key = {
        "record": record_of(token),
        "index": index_key(user.session_ref),
        "snapshot": snapshot_key(user.session_ref),
    }[kind]
    redis_client.delete(key)
    values = {"hset": ("a", "b"), "rpush": ("a",), "set": ("a",)}
    getattr(redis_client, fill)(key, *values[fill])
    # Without a snapshot, the database decides; without record or index, the session is over.
    assert is_alive(token) == (kind == "snapshot")
    assert is_alive(sign_in().session_key)
    assert services.end_all_sessions(user) == (2 if kind == "snapshot" else 1)


@pytest.mark.parametrize("kind", ["record", "index"])
def test_a_user_with_a_damaged_session_can_sign_in(
    sign_in: SignIn, user: Any, redis_client: Any, kind: str
) -> None:
    token = sign_in().session_key
    key = record_of(token) if kind == "record" else index_key(user.session_ref)
    redis_client.delete(key)
    redis_client.rpush(key, "not ours")
    answer = call(
        "POST", "/v1/login", {"email": "ada@example.com", "password": PASSWORD}, token=token
    )
    assert answer.status_code == 200, answer.content
    assert is_alive(session_token(answer))


@pytest.mark.parametrize("call_it", ["list", "count", "end_by_handle", "end_others", "erase"])
def test_every_look_at_a_damaged_index_repairs_it(
    sign_in: SignIn, user: Any, redis_client: Any, call_it: str
) -> None:
    token = SessionToken.parse(sign_in().session_key)
    assert token
    ref = user.session_ref
    redis_client.delete(index_key(ref))
    redis_client.set(index_key(ref), "x")
    looks: dict[str, Callable[[], Any]] = {
        "list": lambda: backend.live_id_hashes(ref),
        "count": lambda: backend.count(ref),
        "end_by_handle": lambda: backend.end_by_handle(ref, token.handle),
        "end_others": lambda: backend.end_others(ref, token.id_hash),
        "erase": lambda: backend.erase(ref),
    }
    assert not looks[call_it]()
    assert not redis_client.exists(index_key(ref))


def test_a_session_that_our_keys_do_not_open_is_kept_and_so_is_its_cookie(
    sign_in: SignIn, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """For example, a key was left out by mistake: once it is back, everyone is signed in again."""
    token, right = sign_in().session_key, options().session_keys
    settings.GATEHOUSE = replace(options(), session_keys=(replace(right[0], secret=b"w" * 40),))
    with caplog.at_level(logging.ERROR):
        answer = call("GET", "/v1/session", token=token)
    assert answer.status_code == 401, answer.content
    assert not answer.cookies
    assert "record.unreadable" in caplog.text
    assert token not in caplog.text
    settings.GATEHOUSE = replace(options(), session_keys=right)
    assert is_alive(token)


def test_a_record_of_a_newer_release_is_unknown(sign_in: SignIn, redis_client: Any) -> None:
    token, other = sign_in().session_key, sign_in().session_key
    key = record_of(token)
    newer = b"\3" + redis_client.get(key)[1:]
    redis_client.set(key, newer, keepttl=True)
    answer = call("GET", "/v1/session", token=token)
    assert answer.status_code == 503, answer.content
    assert not answer.cookies
    with pytest.raises(SessionStoreUnavailable):
        services.end_other_sessions(request_with(token))
    assert redis_client.get(key) == newer
    assert is_alive(other)


def test_a_write_over_a_record_of_a_newer_release_is_refused(
    sign_in: SignIn, redis_client: Any
) -> None:
    store = SessionStore(token := sign_in().session_key)
    store["note"] = "mine"
    key = record_of(token)
    newer = b"\3" + redis_client.get(key)[1:]
    redis_client.set(key, newer, keepttl=True)
    with pytest.raises(SessionStoreUnavailable):
        store.save()
    assert redis_client.get(key) == newer


def test_signing_out_ends_a_session_that_our_keys_do_not_open(
    sign_in: SignIn, settings: Any
) -> None:
    token, right = sign_in().session_key, options().session_keys
    settings.GATEHOUSE = replace(options(), session_keys=(replace(right[0], secret=b"w" * 40),))
    answer = call("POST", "/v1/logout", {}, token=token)
    assert answer.status_code == 204, answer.content
    assert answer.cookies["__Host-session"].value == ""
    settings.GATEHOUSE = replace(options(), session_keys=right)
    assert not is_alive(token)

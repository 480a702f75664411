"""The two record formats, and the sealed times of the newer one."""

import struct
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from auth_api.options import options
from auth_api.sessions import services
from auth_api.sessions.exceptions import (
    ReauthenticationRequired,
    SessionEnded,
    SessionStoreUnavailable,
)
from auth_api.sessions.records import SessionRecord, Shown
from auth_api.sessions.redis.backend import backend
from auth_api.sessions.redis.keys import record_key
from auth_api.sessions.store import SessionStore
from auth_api.sessions.tokens import SessionToken
from tests.auth_api.sessions.conftest import is_alive, request_with
from tests.clock import age_sessions

SignIn = Callable[..., SessionStore]
AUTHENTICATED_AT = 18  # offset in bytes


@pytest.fixture
def old_sign_in(sign_in: SignIn, settings: Any) -> str:
    """Return the token of a session made in format 1."""
    now = options()
    settings.GATEHOUSE = replace(now, record_format=1)
    token = sign_in().session_key
    settings.GATEHOUSE = now
    assert isinstance(token, str)
    return token


def stored(redis_client: Any, token: str) -> tuple[str, bytes]:
    parsed = SessionToken.parse(token)
    assert parsed
    key = record_key(parsed.ref, parsed.id_hash)
    return key, redis_client.get(key)


def test_a_session_of_format_1_goes_on(old_sign_in: str, redis_client: Any) -> None:
    assert stored(redis_client, old_sign_in)[1][0] == 1
    current = services.current_session(request_with(old_sign_in))
    assert current.user["email"] == "ada@example.com"
    assert current.session.methods == ("pwd",)
    assert current.session.ip == "203.0.113.7"
    assert current.sign_in_id == current.session.handle
    assert len(services.list_sessions(request_with(old_sign_in))) == 1


def test_a_write_makes_a_session_of_format_1_one_of_format_2(
    old_sign_in: str, redis_client: Any
) -> None:
    store = SessionStore(old_sign_in)
    store["note"] = "kept"
    store.save()
    assert stored(redis_client, old_sign_in)[1][0] == 2
    assert SessionStore(old_sign_in)["note"] == "kept"
    assert services.current_session(request_with(old_sign_in)).session.methods == ("pwd",)


@pytest.mark.parametrize("written_again", [False, True])
def test_a_time_that_was_never_sealed_is_not_recent(old_sign_in: str, written_again: bool) -> None:
    if written_again:
        store = SessionStore(old_sign_in)
        store["note"] = "a plain write seals no time that it did not see"
        store.save()
    with pytest.raises(ReauthenticationRequired):
        services.require_recent_authentication(request_with(old_sign_in))
    request = request_with(old_sign_in)
    services.renew_session(request, methods=("pwd",))
    services.require_recent_authentication(request_with(request.session.session_key))


def test_the_absolute_clock_of_format_1_goes_on_in_format_2(
    old_sign_in: str, redis_client: Any
) -> None:
    before = services.current_session(request_with(old_sign_in)).session
    age_sessions(redis_client, 1000)
    store = SessionStore(old_sign_in)
    store["note"] = "kept"
    store.save()
    after = services.current_session(request_with(old_sign_in)).session
    assert after.absolute_expires_at == before.absolute_expires_at - 1000


def test_while_format_1_is_written_its_times_count(
    sign_in: SignIn, settings: Any, redis_client: Any
) -> None:
    settings.GATEHOUSE = replace(options(), record_format=1)
    token = sign_in().session_key
    services.require_recent_authentication(request_with(token))
    age_sessions(redis_client, options().recent_authentication + 1)
    with pytest.raises(ReauthenticationRequired):
        services.require_recent_authentication(request_with(token))


def test_a_time_from_the_future_is_not_sealed(old_sign_in: str, redis_client: Any) -> None:
    key, value = stored(redis_client, old_sign_in)
    changed = bytearray(value)
    struct.pack_into(">I", changed, AUTHENTICATED_AT, 1_930_000_000)  # in 2031
    redis_client.set(key, bytes(changed), keepttl=True)
    store = SessionStore(old_sign_in)
    store["note"] = "a write would seal it"
    with pytest.raises(SessionEnded):
        store.save()


@pytest.mark.parametrize("shift", [86400, -86400, 1])
def test_a_record_with_a_changed_time_of_authentication_is_unreadable(
    sign_in: SignIn, redis_client: Any, shift: int
) -> None:
    """Write access to Redis does not allow making a session recent or longer."""
    token = sign_in().session_key
    key, value = stored(redis_client, token)
    (moment,) = struct.unpack_from(">I", value, AUTHENTICATED_AT)
    changed = bytearray(value)
    struct.pack_into(">I", changed, AUTHENTICATED_AT, moment + shift)
    redis_client.set(key, bytes(changed), keepttl=True)
    with pytest.raises(SessionEnded):
        services.current_session(request_with(token))
    assert not is_alive(token)
    assert services.list_sessions(request_with(sign_in().session_key))[0].current


def test_a_record_of_format_2_cannot_pass_as_format_1(sign_in: SignIn, redis_client: Any) -> None:
    """Otherwise the times could be changed again."""
    token = sign_in().session_key
    key, value = stored(redis_client, token)
    redis_client.set(key, b"\1" + value[1:], keepttl=True)
    assert not is_alive(token)


@pytest.mark.parametrize("difference", [-2, 2, 60])
def test_the_store_refuses_a_time_that_is_not_its_own(
    sign_in: SignIn, monkeypatch: pytest.MonkeyPatch, difference: int
) -> None:
    """For example, a worker hung between reading the time and writing the record."""
    read = backend.now
    monkeypatch.setattr(backend, "now", lambda ref: read(ref) + difference)
    with pytest.raises(SessionStoreUnavailable):
        sign_in()


def test_a_time_that_was_read_too_long_ago_is_read_again(
    sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, late = backend.now, iter([5, 0, 5, 0])
    monkeypatch.setattr(backend, "now", lambda ref: read(ref) - next(late))
    request = request_with(sign_in().session_key)
    services.renew_session(request, methods=("pwd",))
    assert is_alive(request.session.session_key)


def test_the_sign_in_keeps_its_id_under_every_new_token(sign_in: SignIn) -> None:
    request = request_with(sign_in().session_key)
    first = services.current_session(request)
    assert first.sign_in_id == first.session.handle
    again = services.renew_session(request, methods=("pwd",))
    request.session.cycle_key()
    last = services.current_session(request_with(request.session.session_key))
    assert len({first.session.handle, again.session.handle, last.session.handle}) == 3
    assert again.sign_in_id == last.sign_in_id == first.sign_in_id


def test_each_method_keeps_the_time_when_it_was_shown(sign_in: SignIn, redis_client: Any) -> None:
    request = request_with(sign_in().session_key)
    services.renew_session(request, methods=("otp",))
    age_sessions(redis_client, 500)
    request = request_with(request.session.session_key)
    services.renew_session(request, methods=("pwd",))
    store = SessionStore(request.session.session_key)
    shown = store.validate().sign_in.shown
    now = backend.now(store.token.ref) if store.token else 0
    assert [method for method, _ in shown] == ["otp", "pwd"]
    assert now - shown[0].at >= 500
    assert now - shown[1].at < 100


def test_methods_that_only_a_newer_release_knows_prove_nothing() -> None:
    from auth_api.sessions.records import SignIn as StartedBy

    packed = bytearray(StartedBy("B" * 16, "", "", (Shown("pwd", 7), Shown("otp", 9))).pack(2))
    packed[6] = 200  # the second method
    assert StartedBy.unpack(bytes(packed), 2) == StartedBy("B" * 16, "", "", (Shown("pwd", 7),))


def test_a_payload_of_a_newer_release_is_unknown(sign_in: SignIn, redis_client: Any) -> None:
    from auth_api.sessions.codec import session_codec

    store = sign_in()
    token = store.token
    assert token
    key, value = stored(redis_client, token.value)
    record = SessionRecord.unpack(value)
    assert store.valid
    sealed = session_codec().seal_record(token, record.header, store.valid.sign_in, b"\x80new")
    redis_client.set(key, value[:30] + sealed, keepttl=True)
    with pytest.raises(SessionStoreUnavailable):
        SessionStore(token.value).load()

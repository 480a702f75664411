"""What holds when a first line of defence has failed: each rule alone, the others taken away."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection, transaction

from auth_api.options import options
from auth_api.sessions import services, snapshots
from auth_api.sessions.codec import Unreadable, session_codec
from auth_api.sessions.exceptions import EndReason, SessionStoreUnavailable
from auth_api.sessions.records import FORMAT, Flag, Header, SessionRecord
from auth_api.sessions.records import SignIn as StartedBy
from auth_api.sessions.redis.answers import Ended, Stored
from auth_api.sessions.redis.backend import backend
from auth_api.sessions.redis.keys import index_key, record_key, snapshot_key
from auth_api.sessions.store import SessionStore
from auth_api.sessions.tokens import SessionToken
from tests.auth_api.locks import somebody_waits
from tests.auth_api.sessions.conftest import is_alive, run_of
from tests.clock import age_sessions
from tests.topologies import wait_for

SignIn = Callable[..., SessionStore]


def token_of(store: SessionStore) -> SessionToken:
    token = SessionToken.parse(store.session_key)
    assert token
    return token


@pytest.fixture
def lost_push(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], None]:
    """Return a function that makes a change whose push to Redis is lost."""

    def lost(*_: object, **__: object) -> bool:
        raise SessionStoreUnavailable("lost")

    def change(act: Callable[[], Any]) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(backend, "put_snapshot", lost)
            act()

    return change


@pytest.mark.parametrize("clock", ["idle", "absolute"])
def test_both_clocks_hold_without_redis_own_expiry(
    sign_in: SignIn, redis_client: Any, clock: str
) -> None:
    """As after a restore from a dump that lost the expiry times."""
    store = sign_in(remember=clock == "absolute")
    token = token_of(store)
    limits = options()
    if clock == "idle":
        age_sessions(redis_client, limits.remember_idle)
    else:
        for _ in range(3):
            age_sessions(redis_client, limits.remember_idle - 10)
            is_alive(token.value)
    record = store.valid.record if store.valid else None
    assert record
    header, seen = record.header, record.last_seen_at - limits.remember_idle
    if clock == "absolute":
        header, seen = _authenticated(header, -limits.remember_absolute), record.last_seen_at + 10
    value = header.pack() + seen.to_bytes(4, "big") + bytes(4) + record.body
    for interval in (60, 0):  # a call that slides, and one that only looks
        redis_client.set(record_key(token.ref, token.id_hash), value)
        redis_client.zadd(index_key(token.ref), {token.id_hash: 1e15, "e": record.header.epoch})
        answer = backend.validate(token.ref, token.id_hash, slide_interval=interval, admin=False)
        assert answer == Ended(EndReason(clock))


def test_the_epoch_holds_without_the_index(
    sign_in: SignIn, user: Any, redis_client: Any, lost_push: Any
) -> None:
    """A lost push, a fence that ran out, and a reader that has filled the gap."""
    first, second = sign_in(), sign_in()
    lost_push(lambda: services.end_all_sessions(user))
    redis_client.delete(snapshot_key(user.session_ref))
    assert not is_alive(first.session_key)
    assert redis_client.exists(snapshot_key(user.session_ref))
    assert not is_alive(second.session_key)


def test_the_active_flag_holds_without_the_epoch(
    sign_in: SignIn, user: Any, redis_client: Any
) -> None:
    token = sign_in().session_key
    snapshot = snapshots.make_snapshot(user)._replace(active=False)
    sealed = session_codec().seal_snapshot(user.session_ref, snapshot)
    redis_client.set(snapshot_key(user.session_ref), sealed + run_of(user.session_ref))
    assert not is_alive(token)


def test_entries_of_an_older_epoch_go_with_the_next_login(
    sign_in: SignIn, user: Any, settings: Any, lost_push: Any
) -> None:
    settings.GATEHOUSE = replace(options(), session_limit=2, session_limit_policy="refuse")
    for _ in range(2):
        sign_in(remember=True)
    lost_push(lambda: services.end_all_sessions(user))
    user.refresh_from_db()
    assert is_alive(sign_in().session_key)
    assert len(backend.live_id_hashes(user.session_ref)) == 1


def test_a_login_that_redis_sees_after_the_end_of_all_is_refused_there(user: Any) -> None:
    """The last gate: the row was read before the change, the script runs after it."""
    snapshot = snapshots.make_snapshot(user)
    services.end_all_sessions(user)
    token = SessionToken.new(user.session_ref)
    header = header_of_now(token.ref, snapshot.epoch)
    answer = backend.create(
        token.ref, token.id_hash, header.pack(), b"body", limit=0, policy="end-oldest",
        snapshot=session_codec().seal_snapshot(token.ref, snapshot), snapshot_lifetime=300,
        run=run_of(token.ref),
    )  # fmt: skip
    assert answer == Ended(EndReason.EPOCH)


def test_a_login_puts_no_older_profile_back(user: Any) -> None:
    """The row was read before the change of name, the script runs after it: the epoch is the same."""
    before = session_codec().seal_snapshot(user.session_ref, snapshots.make_snapshot(user))
    user.name = "Countess"
    user.save()
    token = SessionToken.new(user.session_ref)
    header = header_of_now(token.ref, user.session_epoch)
    sealed = session_codec().seal_record(token, header, StartedBy(), b"\0{}")
    answer = backend.create(
        token.ref, token.id_hash, header.pack(), sealed, limit=0, policy="end-oldest",
        snapshot=before, snapshot_lifetime=300, run=run_of(token.ref),
    )  # fmt: skip
    assert isinstance(answer, Stored)
    snapshot = SessionStore(token.value).validate().snapshot
    assert snapshot
    assert "Countess" in snapshot.profile_json


def test_a_change_lifts_no_fence_but_its_own(user: Any) -> None:
    """Two changes at once: the first one's push must not open the second one's row to caching."""
    ref, snapshot = (
        user.session_ref,
        session_codec().seal_snapshot(user.session_ref, snapshots.make_snapshot(user)),
    )
    run = backend.fence_snapshot(ref, b"1" * 16, lifetime=30)
    backend.fence_snapshot(ref, b"2" * 16, lifetime=30)
    assert not backend.put_snapshot(ref, snapshot, lifetime=300, run=run, nonce=b"1" * 16)
    assert not backend.put_snapshot(ref, snapshot, lifetime=300, run=run)
    assert backend.put_snapshot(ref, snapshot, lifetime=300, run=run, nonce=b"2" * 16)


def test_a_fence_outlasts_a_slow_transaction_and_a_slow_reader(
    sign_in: SignIn, user: Any, redis_client: Any, lost_push: Any
) -> None:
    """Half an hour after the fence a reader caches the row of before; the push after the commit is lost."""
    token, key, fill = sign_in().session_key, snapshot_key(user.session_ref), backend.put_snapshot
    old = session_codec().seal_snapshot(user.session_ref, snapshots.make_snapshot(user))

    def change() -> None:
        with transaction.atomic():
            services.end_all_sessions(user)
            redis_client.pexpireat(key, redis_client.pexpiretime(key) - 1800 * 1000)
            fill(user.session_ref, old, lifetime=300, run=run_of(user.session_ref))

    lost_push(change)
    assert not is_alive(token)


@pytest.mark.skipif(
    not connection.features.has_select_for_update, reason="SQLite has one writer at a time"
)
def test_a_change_fences_when_the_change_before_is_done(
    sign_in: SignIn, user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the later fence would take the place of the first, and its push would lift both."""
    token = sign_in().session_key
    push, first = backend.put_snapshot, threading.current_thread()

    def lost_by_the_first(*arguments: Any, **options: Any) -> bool:
        if threading.current_thread() is first:
            raise SessionStoreUnavailable("lost")
        return push(*arguments, **options)

    def rename() -> None:
        same = type(user).objects.get(pk=user.pk)
        same.name = "Countess"
        same.save()
        connection.close()

    second = threading.Thread(target=rename, daemon=True)
    with monkeypatch.context() as patched:
        patched.setattr(backend, "put_snapshot", lost_by_the_first)
        with transaction.atomic():
            snapshots.fence_user(user)
            second.start()
            wait_for(lambda: not second.is_alive() or somebody_waits(), "the second change")
            user.raise_session_epoch()
        second.join()
    assert not is_alive(token)


def test_the_servers_key_alone_opens_no_payload(sign_in: SignIn) -> None:
    store = sign_in()
    token = token_of(store)
    assert store.valid
    record: SessionRecord = store.valid.record
    without_secret = SessionToken(token.ref, "A" * 43)
    without_secret.id_hash = token.id_hash  # all that Redis and the server know
    with pytest.raises(Unreadable):
        session_codec().open_payload(without_secret, record.header, record.body)
    assert session_codec().open_payload(token, record.header, record.body)


def test_keys_are_changed_without_a_logout(sign_in: SignIn, settings: Any) -> None:
    old, new = options().session_keys[0], replace(options().session_keys[0], secret=b"n" * 40)
    token = sign_in().session_key
    settings.GATEHOUSE = replace(options(), session_keys=(new, old))
    assert is_alive(token)
    fresh = sign_in().session_key
    store = SessionStore(token)
    store["a"] = 1
    store.save()  # sealed again, by the new key
    settings.GATEHOUSE = replace(options(), session_keys=(new,))
    assert is_alive(token)
    assert is_alive(fresh)
    settings.GATEHOUSE = replace(options(), session_keys=(old,))
    assert not is_alive(fresh)


def test_a_renewal_that_is_sent_twice_is_done_once(sign_in: SignIn) -> None:
    """As after a connection that broke before the answer came."""
    store = sign_in()
    old, new = token_of(store), SessionToken.new(token_of(store).ref)
    assert store.valid
    record = store.valid.record
    codec = session_codec()
    body = codec.seal_record(new, record.header, store.valid.sign_in, b"\0{}")
    for _ in range(2):
        answer = backend.save(
            old.ref, old.id_hash, record.revision, record.header.pack(), body,
            new_id_hash=new.id_hash,
        )  # fmt: skip
        assert isinstance(answer, Stored)
    assert backend.live_id_hashes(old.ref) == [new.id_hash]


def header_of_now(ref: str, epoch: int) -> Header:
    now = backend.now(ref)
    return Header(FORMAT, Flag.BOUND, 3600, 43200, epoch, now, now)


def _authenticated(header: Header, seconds: int) -> Header:
    return header._replace(authenticated_at=header.authenticated_at + seconds)

"""Rules 1 to 6 of design.md section 5, through the engine's API, on a real Valkey."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.sessions.backends.base import UpdateError
from django.db import transaction

from auth_api.sessions import services, snapshots
from auth_api.sessions.codec import session_codec
from auth_api.sessions.exceptions import (
    SessionEnded,
    SessionStoreUnavailable,
)
from auth_api.sessions.redis.backend import backend
from auth_api.sessions.store import SessionStore
from tests.auth_api.sessions.conftest import is_alive, request_with, run_of
from tests.clock import age_sessions
from tests.store_contents import command_counts, reset_command_counts

SignIn = Callable[..., SessionStore]


# -- rule 1: one round trip ------------------------------------------------------------------


def test_a_validation_is_one_script_call(sign_in: SignIn, redis_client: Any) -> None:
    token = sign_in().session_key
    SessionStore(token).load()  # the script is known and the connection is open
    reset_command_counts(redis_client)
    assert is_alive(token)
    counted = command_counts(redis_client)
    assert counted.pop("evalsha") == 1
    # What the script reads inside the server is no round trip; nothing else came from outside.
    inside = {"mget", "time", "zscore"}
    between_nodes_and_ours = {"info", "config|resetstat", "ping"}
    assert set(counted) - inside - between_nodes_and_ours == set()


# -- rule 2: a write never brings a session back ---------------------------------------------


def test_a_save_after_logout_does_not_bring_the_session_back(sign_in: SignIn) -> None:
    token = sign_in().session_key
    in_flight = SessionStore(token)
    in_flight["basket"] = 1
    SessionStore(token).delete()
    with pytest.raises(UpdateError):
        in_flight.save()
    assert not is_alive(token)


def test_a_renewal_after_logout_does_not_bring_the_session_back(sign_in: SignIn) -> None:
    token = sign_in().session_key
    in_flight = SessionStore(token)
    in_flight.load()
    in_flight = SessionStore(token)
    assert in_flight["_auth_user_id"]
    SessionStore(token).delete()
    with pytest.raises(SessionEnded):
        in_flight.cycle_key()
    assert not is_alive(token)


def test_no_write_after_a_refused_one_brings_the_session_back(sign_in: SignIn) -> None:
    """The request swallows the error and goes on with the data that it has read."""
    token = sign_in().session_key
    in_flight = SessionStore(token)
    in_flight["basket"] = 1
    SessionStore(token).delete()
    for write in (in_flight.save, in_flight.cycle_key, in_flight.save, in_flight.cycle_key):
        with pytest.raises(SessionEnded):
            write()
    assert not is_alive(in_flight.session_key)


@pytest.mark.parametrize("options", [{}, {"must_create": True}])
def test_what_a_request_holds_of_an_ended_session_starts_no_new_one(
    sign_in: SignIn, user: Any, options: dict[str, bool]
) -> None:
    """Django's `create()` would copy it; a living session is moved instead."""
    token = sign_in().session_key
    in_flight, ended = SessionStore(token), SessionStore(token)
    assert "_auth_user_id" in in_flight
    assert "_auth_user_id" in ended
    start = (lambda s: s.save(**options)) if options else SessionStore.create
    start(in_flight)
    assert is_alive(in_flight.session_key)
    assert not is_alive(token)
    with pytest.raises(SessionEnded):
        start(ended)
    assert backend.count(user.session_ref) == 1


def test_different_keys_of_two_requests_both_win(sign_in: SignIn) -> None:
    token = sign_in().session_key
    one, two = SessionStore(token), SessionStore(token)
    one["a"], two["b"] = 1, 2
    one.save()
    two.save()
    assert SessionStore(token)["a"] == 1
    assert SessionStore(token)["b"] == 2


def test_the_last_writer_of_one_key_wins(sign_in: SignIn) -> None:
    token = sign_in().session_key
    one, two = SessionStore(token), SessionStore(token)
    one["a"], two["a"] = 1, 2
    one.save()
    two.save()
    assert SessionStore(token)["a"] == 2


def test_a_deleted_key_stays_deleted(sign_in: SignIn) -> None:
    token = sign_in().session_key
    first = SessionStore(token)
    first["a"] = 1
    first.save()
    one, two = SessionStore(token), SessionStore(token)
    del one["a"]
    two["b"] = 2
    one.save()
    two.save()
    assert "a" not in SessionStore(token)


def test_a_change_inside_a_list_is_seen(sign_in: SignIn) -> None:
    token = sign_in().session_key
    store = SessionStore(token)
    store["items"] = [1]
    store.save()
    store["items"].append(2)
    store.save()
    assert SessionStore(token)["items"] == [1, 2]


def test_many_writers_at_once_lose_nothing(sign_in: SignIn) -> None:
    token = sign_in().session_key
    start = threading.Barrier(8)

    def write(number: int) -> None:
        store = SessionStore(token)
        store[f"key{number}"] = number
        start.wait()
        store.save()

    threads = [threading.Thread(target=write, args=(n,), daemon=True) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = SessionStore(token).load()
    assert [found.get(f"key{n}") for n in range(8)] == list(range(8))


def test_a_write_that_others_always_overtake_is_unknown_and_no_end(
    sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = sign_in().session_key
    late = SessionStore(token)
    late["a"] = 1
    save, overtaking = backend.save, []

    def overtaken(*arguments: Any, **options: Any) -> Any:
        if not overtaking:
            overtaking.append(True)
            other = SessionStore(token)
            other["count"] = other.get("count", 0) + 1
            other.save()
            overtaking.clear()
        return save(*arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(backend, "save", overtaken)
        with pytest.raises(SessionStoreUnavailable):
            late.save()
    late.save()
    assert SessionStore(token)["a"] == 1


# -- rule 3: sliding -------------------------------------------------------------------------


def test_a_session_slides_at_most_once_a_minute(sign_in: SignIn, redis_client: Any) -> None:
    token = sign_in().session_key
    assert is_alive(token)  # caches a snapshot if the sign-in did not
    reset_command_counts(redis_client)
    for _ in range(5):
        assert is_alive(token)
    assert "set" not in command_counts(redis_client)
    age_sessions(redis_client, 61)
    reset_command_counts(redis_client)
    for _ in range(5):
        assert is_alive(token)
    assert command_counts(redis_client)["set"] == 1


def test_a_polling_call_does_not_slide(sign_in: SignIn, redis_client: Any) -> None:
    token = sign_in().session_key
    age_sessions(redis_client, 1800)
    before = services.current_session(request_with(token), slide=False).session.last_seen_at
    assert services.current_session(request_with(token), slide=False).session.last_seen_at == before
    assert services.current_session(request_with(token)).session.last_seen_at > before


# -- rule 4: the epoch -----------------------------------------------------------------------


def test_raising_the_epoch_ends_every_session(sign_in: SignIn, user: Any) -> None:
    tokens = [sign_in().session_key for _ in range(5)]
    assert services.end_all_sessions(user) == 5
    assert not any(is_alive(token) for token in tokens)
    assert is_alive(sign_in().session_key)


def test_a_lost_push_of_the_snapshot_revives_nothing(
    sign_in: SignIn, user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = sign_in().session_key

    def lost(*_: object, **__: object) -> bool:
        raise SessionStoreUnavailable("lost")

    with monkeypatch.context() as patched:
        patched.setattr(backend, "put_snapshot", lost)
        services.end_all_sessions(user)
    assert not is_alive(token)


def test_a_reader_from_before_the_change_cannot_put_the_old_snapshot_back(
    sign_in: SignIn, user: Any
) -> None:
    token = sign_in().session_key
    old = session_codec().seal_snapshot(user.session_ref, snapshots.make_snapshot(user))
    services.end_all_sessions(user)
    assert not backend.put_snapshot(
        user.session_ref, old, lifetime=300, run=run_of(user.session_ref)
    )
    assert not is_alive(token)


def test_a_rolled_back_change_ends_nothing(sign_in: SignIn, user: Any) -> None:
    token = sign_in().session_key

    class Undo(Exception):
        pass

    with pytest.raises(Undo), transaction.atomic():  # noqa: PT012
        services.end_all_sessions(user)
        raise Undo
    assert is_alive(token)


def test_a_login_that_lost_a_race_with_end_all_starts_nothing(user: Any, sign_in: SignIn) -> None:
    stale = type(user).objects.get(pk=user.pk)
    services.end_all_sessions(user)
    with pytest.raises(SessionEnded):
        sign_in(stale)


def test_deactivation_ends_every_session_also_by_a_bulk_update(sign_in: SignIn, user: Any) -> None:
    token = sign_in().session_key
    type(user).objects.filter(pk=user.pk).update(is_active=False)
    assert not is_alive(token)


def test_deleting_the_user_ends_the_session(sign_in: SignIn, user: Any) -> None:
    token = sign_in().session_key
    user.delete()
    assert not is_alive(token)


# -- rule 5: both clocks ---------------------------------------------------------------------


@pytest.mark.parametrize("remember", [False, True])
def test_the_idle_clock_ends_a_session(sign_in: SignIn, redis_client: Any, remember: bool) -> None:
    idle = settings.GATEHOUSE.remember_idle if remember else settings.GATEHOUSE.session_idle
    token = sign_in(remember=remember).session_key
    age_sessions(redis_client, idle - 2)
    assert is_alive(token)
    age_sessions(redis_client, idle)
    assert not is_alive(token)


@pytest.mark.parametrize("remember", [False, True])
def test_use_cannot_pass_the_absolute_clock(
    sign_in: SignIn, redis_client: Any, remember: bool
) -> None:
    limits = settings.GATEHOUSE
    idle, life = limits.session_idle, limits.session_absolute
    if remember:
        idle, life = limits.remember_idle, limits.remember_absolute
    token = sign_in(remember=remember).session_key
    steps, step = divmod(life - 5, idle - 5)
    for _ in range(steps):
        age_sessions(redis_client, idle - 5)
        assert is_alive(token)
    age_sessions(redis_client, step)
    assert is_alive(token)
    age_sessions(redis_client, 6)
    assert not is_alive(token)


def test_an_expiry_in_seconds_is_an_idle_timeout(sign_in: SignIn, redis_client: Any) -> None:
    store = SessionStore(sign_in().session_key)
    store.set_expiry(600)
    store.save()
    for _ in range(3):
        age_sessions(redis_client, 590)
        assert is_alive(store.session_key)
    age_sessions(redis_client, 600)
    assert not is_alive(store.session_key)


def test_an_expiry_by_date_holds_whatever_the_use(sign_in: SignIn, redis_client: Any) -> None:
    store = SessionStore(sign_in(remember=True).session_key)
    age_sessions(redis_client, 300)
    store["before"] = 1
    store.save()
    store.set_expiry(timedelta(seconds=600))
    store.save()
    for _ in range(5):
        age_sessions(redis_client, 118)
        assert is_alive(store.session_key)
    age_sessions(redis_client, 118)
    assert not is_alive(store.session_key)


# -- rule 6: a new secret --------------------------------------------------------------------


def test_login_makes_a_new_token_and_ends_the_old_session(user: Any, sign_in: SignIn) -> None:
    old = sign_in().session_key
    request = request_with(old)
    services.start_session(request, user, remember=False, methods=("pwd",))
    assert request.session.session_key != old
    assert not is_alive(old)


def test_a_token_that_we_did_not_make_is_never_adopted(sign_in: SignIn) -> None:
    invented = "A" * 16 + "." + "B" * 43
    store = SessionStore(invented)
    store["a"] = 1
    store.save()
    assert store.session_key != invented
    assert not store.exists(invented)


def test_renewal_restarts_both_clocks_only_after_reauthentication(
    sign_in: SignIn, redis_client: Any
) -> None:
    store = SessionStore(sign_in().session_key)
    age_sessions(redis_client, 1000)
    store["a"] = 1
    store.cycle_key()
    assert store.valid is not None
    assert store.valid.record.header.created_at == store.valid.record.header.authenticated_at
    store.renew(shown=("pwd",))
    header = store.valid.record.header
    assert header.authenticated_at >= header.created_at + 1000

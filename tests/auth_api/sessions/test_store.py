"""The rules of design.md section 5, through the engine's API, on a real Valkey."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.sessions.backends.base import UpdateError
from django.db import transaction

from auth_api.sessions import cards, services
from auth_api.sessions.exceptions import (
    NoSession,
    SessionEnded,
    SessionLimitReached,
    SessionNotFound,
    SessionStoreUnavailable,
)
from auth_api.sessions.store import SessionStore
from tests.auth_api.sessions.conftest import is_alive, make_user, request_with
from tests.clock import age_sessions
from tests.store_contents import command_counts, reset_command_counts, stored_keys

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
    assert cards.backend.count(user.session_ref) == 1


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

    threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
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
    save, overtaking = cards.backend.save, []

    def overtaken(*arguments: Any, **options: Any) -> Any:
        if not overtaking:
            overtaking.append(True)
            other = SessionStore(token)
            other["count"] = other.get("count", 0) + 1
            other.save()
            overtaking.clear()
        return save(*arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(cards.backend, "save", overtaken)
        with pytest.raises(SessionStoreUnavailable):
            late.save()
    late.save()
    assert SessionStore(token)["a"] == 1


# -- rule 3: sliding -------------------------------------------------------------------------


def test_a_session_slides_at_most_once_a_minute(sign_in: SignIn, redis_client: Any) -> None:
    token = sign_in().session_key
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


def test_a_lost_push_of_the_card_revives_nothing(
    sign_in: SignIn, user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = sign_in().session_key

    def lost(*_: object, **__: object) -> bool:
        raise SessionStoreUnavailable("lost")

    with monkeypatch.context() as patched:
        patched.setattr(cards.backend, "put_card", lost)
        services.end_all_sessions(user)
    assert not is_alive(token)


def test_a_reader_from_before_the_change_cannot_put_the_old_card_back(
    sign_in: SignIn, user: Any
) -> None:
    token = sign_in().session_key
    old = cards.codec().seal_card(user.session_ref, cards.make_card(user))
    services.end_all_sessions(user)
    assert not cards.backend.put_card(user.session_ref, old, lifetime=300)
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
    assert store.valid.record.created_at == store.valid.record.authenticated_at
    store.renew(restart_clocks=True)
    assert store.valid.record.authenticated_at >= store.valid.record.created_at + 1000


# -- rule 7: what a copy of Redis shows --------------------------------------------------------


def test_the_store_holds_no_token_no_payload_and_no_address(
    sign_in: SignIn, redis_client: Any
) -> None:
    store = SessionStore(sign_in().session_key)
    store["note"] = "a secret remark"
    store.save()
    ref, _, secret = store.session_key.partition(".")
    dump = b"".join(key + (redis_client.dump(key) or b"") for key in stored_keys(redis_client))
    assert ref.encode() in dump  # the ref is no secret
    for hidden in (secret, "a secret remark", "_auth_user_id", "ada@example.com", "203.0.113.7"):
        assert hidden.encode() not in dump


def test_two_records_cannot_be_swapped(sign_in: SignIn, redis_client: Any) -> None:
    mine, other = sign_in(), sign_in(make_user("bob@example.com"))
    keys = [key for key in stored_keys(redis_client) if b":s:" in key]
    one, two = (redis_client.get(key) for key in keys)
    redis_client.set(keys[0], two, keepttl=True)
    redis_client.set(keys[1], one, keepttl=True)
    assert not is_alive(mine.session_key)
    assert not is_alive(other.session_key)


@pytest.mark.parametrize("position", [1, 3, 8, 12, 31, 45, 60, -1])
def test_a_changed_byte_opens_nothing(sign_in: SignIn, redis_client: Any, position: int) -> None:
    token = sign_in().session_key
    (key,) = (key for key in stored_keys(redis_client) if b":s:" in key)
    value = bytearray(redis_client.get(key))
    value[position] ^= 1
    redis_client.set(key, bytes(value), keepttl=True)
    assert not is_alive(token)


@pytest.mark.parametrize("change", ["another format", "cut to its header", "cut in its body"])
def test_a_record_that_is_none_opens_nothing(
    sign_in: SignIn, redis_client: Any, change: str
) -> None:
    """As after a step back from a later version: no session, and no failure either."""
    broken = sign_in().session_key
    (key,) = (key for key in stored_keys(redis_client) if b":s:" in key)
    whole = sign_in().session_key
    value = redis_client.get(key)
    values = {
        "another format": b"\2" + value[1:],
        "cut to its header": value[:30],
        "cut in its body": value[:40],
    }
    redis_client.set(key, values[change], keepttl=True)
    assert len(services.list_sessions(request_with(whole))) == 1
    assert not is_alive(broken)


def test_a_forged_card_is_not_believed(sign_in: SignIn, user: Any, redis_client: Any) -> None:
    other = make_user("bob@example.com")
    token = sign_in().session_key
    sign_in(other)
    stolen = redis_client.get(f"gh:{{{other.session_ref}}}:card")
    redis_client.set(f"gh:{{{user.session_ref}}}:card", stolen)
    assert services.current_session(request_with(token)).user["email"] == "ada@example.com"


# -- rule 8: limits --------------------------------------------------------------------------


def limited(settings_fixture: Any, **changes: Any) -> None:
    from dataclasses import replace

    settings_fixture.GATEHOUSE = replace(settings_fixture.GATEHOUSE, **changes)


def test_over_the_limit_the_oldest_session_ends(
    sign_in: SignIn, settings: Any, redis_client: Any
) -> None:
    limited(settings, session_limit=3)
    tokens = [sign_in().session_key for _ in range(5)]
    assert sum(b":s:" in key for key in stored_keys(redis_client)) == 3
    assert [is_alive(token) for token in tokens] == [False, False, True, True, True]


def test_over_the_limit_a_new_session_can_be_refused(sign_in: SignIn, settings: Any) -> None:
    limited(settings, session_limit=2, session_limit_policy="refuse")
    tokens = [sign_in().session_key for _ in range(2)]
    with pytest.raises(SessionLimitReached):
        sign_in()
    assert all(is_alive(token) for token in tokens)


def test_sessions_of_an_older_epoch_do_not_count(sign_in: SignIn, user: Any, settings: Any) -> None:
    limited(settings, session_limit=2, session_limit_policy="refuse")
    for _ in range(2):
        sign_in(remember=True)
    services.end_all_sessions(user)
    user.refresh_from_db()
    assert is_alive(sign_in().session_key)


def test_parallel_logins_cannot_pass_the_limit(
    sign_in: SignIn, user: Any, settings: Any, redis_client: Any
) -> None:
    limited(settings, session_limit=3)
    start, tokens = threading.Barrier(8), []

    def login() -> None:
        from django.db import connection

        start.wait()
        tokens.append(sign_in().session_key)
        connection.close()

    threads = [threading.Thread(target=login) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(is_alive(token) for token in tokens) == 3


# -- lists -----------------------------------------------------------------------------------


def test_the_list_shows_devices_and_no_token(sign_in: SignIn) -> None:
    here, there = sign_in(), sign_in(remember=True)
    listed = services.list_sessions(request_with(here.session_key))
    assert [s.current for s in listed] == [True, False]
    assert listed[0].user_agent == "Chrome 156 on Linux"
    assert listed[0].ip == "203.0.113.7"
    assert listed[1].remember is True
    assert there.session_key.partition(".")[2] not in repr(listed)


def test_one_session_is_ended_by_its_handle_and_only_ones_own(sign_in: SignIn) -> None:
    here, there = sign_in(), sign_in()
    foreign = sign_in(make_user("bob@example.com"))
    handle = {s.current: s.handle for s in services.list_sessions(request_with(there.session_key))}
    services.end_session_by_handle(request_with(here.session_key), handle[True])
    assert not is_alive(there.session_key)
    stranger = services.current_session(request_with(foreign.session_key)).session.handle
    with pytest.raises(SessionNotFound):
        services.end_session_by_handle(request_with(here.session_key), stranger)
    assert is_alive(foreign.session_key)


def test_the_others_end_and_this_one_stays(sign_in: SignIn) -> None:
    here, others = sign_in(), [sign_in() for _ in range(4)]
    assert services.end_other_sessions(request_with(here.session_key)) == 4
    assert is_alive(here.session_key)
    assert not any(is_alive(other.session_key) for other in others)


def test_the_index_holds_live_sessions_only(sign_in: SignIn, user: Any, redis_client: Any) -> None:
    for _ in range(5):
        sign_in()
    age_sessions(redis_client, settings.GATEHOUSE.session_idle + 1)
    sign_in()
    assert redis_client.zcard(f"gh:{{{user.session_ref}}}:index") == 2  # the epoch and one session


# -- doors and strangers ---------------------------------------------------------------------


def test_a_site_session_opens_no_admin_and_the_reverse(sign_in: SignIn, user: Any) -> None:
    site = sign_in().session_key
    assert SessionStore(site, admin=True).load() == {}
    assert is_alive(site)
    request = request_with(None)
    request.session.admin = True
    services.start_session(request, user, remember=False, methods=("pwd",))
    assert not is_alive(request.session.session_key)
    assert SessionStore(request.session.session_key, admin=True).load()


@pytest.mark.parametrize("token", ["", "1", "A" * 60, "A" * 16 + "." + "B" * 43, "é" * 60])
def test_a_garbled_or_unknown_token_is_no_session(token: str, redis_client: Any) -> None:
    with pytest.raises(NoSession):
        services.current_session(request_with(token))
    assert redis_client.dbsize() == 0


def test_the_last_logout_leaves_the_card_alone(sign_in: SignIn, redis_client: Any) -> None:
    first, second = sign_in(), sign_in()
    for store in (first, second):
        store.delete()
    assert [key.rpartition(b":")[2] for key in stored_keys(redis_client)] == [b"card"]


def test_a_change_inside_a_list_is_seen_in_a_later_request(sign_in: SignIn) -> None:
    token = sign_in().session_key
    store = SessionStore(token)
    store["items"] = [1]
    store.save()
    later = SessionStore(token)
    later["items"].append(2)
    later.modified = True
    later.save()
    assert SessionStore(token)["items"] == [1, 2]


@pytest.mark.parametrize("size", [0, 10, 1000, 50_000])
def test_data_of_any_size_comes_back_as_it_was(sign_in: SignIn, size: int) -> None:
    token = sign_in().session_key
    store = SessionStore(token)
    store["text"] = "ä" * size
    store["nested"] = {"list": [1, {"two": None}], "float": 1.5}
    store.save()
    found = SessionStore(token)
    assert (found["text"], found["nested"]) == (store["text"], store["nested"])
    assert found["_auth_user_id"] == store["_auth_user_id"]


def test_a_flushed_session_can_be_used_again_as_a_new_one(sign_in: SignIn) -> None:
    old = sign_in().session_key
    store = SessionStore(old)
    store.load()
    store.flush()
    store.cycle_key()
    store["a"] = 1
    store.save()
    assert store.session_key != old
    assert SessionStore(store.session_key).load() == {"a": 1}
    assert not is_alive(old)


def test_the_async_twin_of_flush_forgets_too(sign_in: SignIn) -> None:
    from asgiref.sync import async_to_sync

    store = SessionStore(sign_in().session_key)
    async_to_sync(store.aload)()
    async_to_sync(store.aflush)()
    assert store.session_key is None
    async_to_sync(store.acycle_key)()
    assert store.session_key

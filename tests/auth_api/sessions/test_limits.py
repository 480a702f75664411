"""Limits, lists, doors, and what else a store must do."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings

from auth_api.sessions import services
from auth_api.sessions.exceptions import (
    NoSession,
    SessionLimitReached,
    SessionNotFound,
)
from auth_api.sessions.store import SessionStore
from tests.auth_api.sessions.conftest import is_alive, make_user, request_with
from tests.clock import age_sessions
from tests.store_contents import stored_keys

SignIn = Callable[..., SessionStore]


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

    threads = [threading.Thread(target=login, daemon=True) for _ in range(8)]
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


def test_the_last_logout_leaves_the_snapshot_alone(sign_in: SignIn, redis_client: Any) -> None:
    first, second = sign_in(), sign_in()
    assert is_alive(first.session_key)  # caches a snapshot if the sign-in did not
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

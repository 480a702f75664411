"""Redis loses its latest writes: what the database knows to be over stays over, at once."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import transaction

from auth_api.sessions import services, snapshots
from auth_api.sessions.codec import session_codec
from auth_api.sessions.login import login_data
from auth_api.sessions.records import NewSession
from auth_api.sessions.redis.answers import NeedsSnapshot
from auth_api.sessions.redis.backend import backend
from auth_api.sessions.redis.held import last_run
from auth_api.sessions.redis.keys import record_key, snapshot_key
from auth_api.sessions.saving import create_session
from auth_api.sessions.store import SessionStore
from auth_api.sessions.tokens import SessionToken
from tests.auth_api.sessions.conftest import CLIENT, is_alive, make_user, request_with, run_of
from tests.auth_api.sessions.endings import change_the_password, deactivate, end_all
from tests.lost_writes import what_follows_is_lost
from tests.topologies import wait_for
from tests.valkey import ValkeyServer

SignIn = Callable[..., SessionStore]
alone = pytest.mark.skipif(
    os.environ.get("GATEHOUSE_TEST_TOPOLOGY") == "cluster",
    reason="a cluster needs 5 s after each crash; the test of its kind above runs there, too",
)


@contextmanager
def lost(server: ValkeyServer) -> Iterator[None]:
    """Lose the writes of the block; a cluster goes on when it has seen its node again."""
    with what_follows_is_lost(server):
        yield
    wait_for(lambda: _goes_on(server), "the store to go on")


def _goes_on(server: ValkeyServer) -> bool:
    client = server.client()
    if not client.info("cluster")["cluster_enabled"]:
        return True
    state = str(client.execute_command("CLUSTER INFO"))
    is_up = "cluster_state:ok" in state or "'cluster_state': 'ok'" in state
    return is_up and client.wait(1, 1000) == 1


def admin_sign_in(user: Any) -> str:
    store = SessionStore(admin=True)
    store.sign_in(user, NewSession(methods=("pwd",)))
    assert store.session_key
    return store.session_key


def opens_the_admin(token: str) -> bool:
    return "_auth_user_id" in SessionStore(token, admin=True).load()


def deactivate_by_a_query(user: Any) -> None:
    type(user).objects.filter(pk=user.pk).update(is_active=False)


def delete(user: Any) -> None:
    user.delete()


@pytest.mark.parametrize(
    "end",
    [
        end_all,
        *(
            pytest.param(act, marks=alone)
            for act in (change_the_password, deactivate, deactivate_by_a_query, delete)
        ),
    ],
)
def test_what_the_database_ended_does_not_come_back(
    server: ValkeyServer, sign_in: SignIn, user: Any, redis_client: Any, end: Callable[[Any], None]
) -> None:
    tokens, staff, other = (
        [sign_in().session_key for _ in range(3)],
        admin_sign_in(user),
        sign_in(make_user("bob@example.com")).session_key,
    )
    assert all(map(is_alive, [*tokens, other]))
    assert opens_the_admin(staff)
    with lost(server):
        end(user)
        assert not any(map(is_alive, tokens))
    first = SessionToken.parse(tokens[0])
    assert first
    assert redis_client.exists(record_key(first.ref, first.id_hash))  # it is back
    assert not any(map(is_alive, tokens))
    assert not opens_the_admin(staff)
    assert is_alive(other)


def test_sessions_go_on_and_the_database_is_asked_once(
    server: ValkeyServer, sign_in: SignIn, django_assert_num_queries: Any
) -> None:
    tokens = [sign_in().session_key for _ in range(2)]
    assert all(map(is_alive, tokens))
    with lost(server):
        pass
    with django_assert_num_queries(2):  # the user and the names of the groups
        assert all(is_alive(token) for token in (*tokens, *tokens))


@alone
def test_a_reader_from_before_the_loss_caches_nothing(
    server: ValkeyServer, sign_in: SignIn, user: Any, redis_client: Any
) -> None:
    """It was told to read the row, all sessions were ended, and then fence and snapshot were lost."""
    token = sign_in().token
    assert token
    redis_client.delete(snapshot_key(token.ref))
    told = backend.validate(token.ref, token.id_hash, slide_interval=0, admin=False)
    assert isinstance(told, NeedsSnapshot)
    row = session_codec().seal_snapshot(token.ref, snapshots.make_snapshot(user))
    with lost(server):
        services.end_all_sessions(user)
    assert not backend.put_snapshot(token.ref, row, lifetime=300, run=told.run)
    assert not is_alive(token.value)


@alone
def test_a_sign_in_from_before_the_loss_opens_nothing(
    server: ValkeyServer, sign_in: SignIn, user: Any
) -> None:
    """Its user was read, then the password was changed, and then Redis lost that the sessions ended."""
    sign_in()
    run, before = last_run(), type(user).objects.get(pk=user.pk)
    with lost(server):
        change_the_password(user)
    valid = create_session(
        login_data(before),
        before,
        new=NewSession(methods=("pwd",)),
        client=CLIENT,
        admin=False,
        run=run,
    )
    assert not is_alive(valid.token.value)


@alone
def test_a_fence_that_is_lost_before_the_commit_opens_nothing(
    server: ValkeyServer, sign_in: SignIn, user: Any
) -> None:
    token = sign_in().session_key
    row = session_codec().seal_snapshot(user.session_ref, snapshots.make_snapshot(user))
    with transaction.atomic():
        with lost(server):
            services.end_all_sessions(user)
        # A reader, who does not see the change yet, finds no fence.
        run = run_of(user.session_ref)
        assert backend.put_snapshot(user.session_ref, row, lifetime=300, run=run)
    assert not is_alive(token)


@alone
def test_a_fence_that_is_lost_before_the_commit_shows_no_older_profile(
    server: ValkeyServer, sign_in: SignIn, user: Any
) -> None:
    token = sign_in().session_key
    row = session_codec().seal_snapshot(user.session_ref, snapshots.make_snapshot(user))
    with transaction.atomic():
        with lost(server):
            user.name = "Countess"
            user.save()
        run = run_of(user.session_ref)
        assert backend.put_snapshot(user.session_ref, row, lifetime=300, run=run)
    assert services.current_session(request_with(token)).user["name"] == "Countess"


@alone
def test_a_user_who_is_active_again_keeps_the_sessions(
    server: ValkeyServer, sign_in: SignIn, user: Any, redis_client: Any
) -> None:
    """The snapshot of the inactive user is back, and says nothing in the new run."""
    deactivate(user)
    with lost(server):
        user.is_active = True
        user.save()
    user.refresh_from_db()
    token = sign_in().session_key
    assert redis_client.get(snapshot_key(user.session_ref))[1] == 0
    assert is_alive(token)

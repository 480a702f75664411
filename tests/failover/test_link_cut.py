"""A failover loses what the replica did not get, but nothing that the database ended comes back."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from auth_api.options import options
from auth_api.sessions.exceptions import SessionStoreUnavailable
from auth_api.sessions.redis.keys import record_key
from auth_api.sessions.tokens import SessionToken
from tests.auth_api.sessions.conftest import is_alive, make_user
from tests.auth_api.sessions.endings import change_the_password, deactivate, end_all
from tests.topologies import Node, Sentinels, follows, wait_for


@contextmanager
def cut_link(primary: Node, replica: Node) -> Iterator[None]:
    """Let the replica get nothing any more: it logs in as somebody whom the primary does not know."""
    replica.client().config_set("masteruser", "nobody")
    replica.client().config_set("masterauth", "nothing")
    primary.client().execute_command("CLIENT", "KILL", "TYPE", "replica")
    wait_for(lambda: not follows(replica), "the link to be cut")
    try:
        yield
    finally:
        for name in ("masteruser", "masterauth"):
            replica.client().config_set(name, "")


@contextmanager
def failed_over(primary: Node, replica: Node) -> Iterator[None]:
    """Kill the primary and wait until the replica is promoted. Then the old primary follows it."""
    primary.kill()
    try:
        wait_for(lambda: replica.client().info("replication")["role"] == "master", "a new primary")
        yield
    finally:
        primary.start()
        wait_for(lambda: follows(primary), "the old primary to follow")


def answer(token: str) -> bool:
    """Whether the session lives, as soon as somebody knows."""
    found: list[bool] = []

    def known() -> bool:
        try:
            found.append(is_alive(token))
        except SessionStoreUnavailable:
            return False
        return True

    wait_for(known, "an answer")
    return found[0]


def test_what_the_database_ended_stays_over(
    sentinels: Sentinels, sign_in: Any, settings: Any
) -> None:
    settings.GATEHOUSE = replace(options(), redis_replicas=0)
    acts: list[Callable[[Any], None]] = [end_all, change_the_password, deactivate]
    users = [make_user(f"user{number}@example.com") for number in range(len(acts))]
    tokens = [sign_in(user).session_key for user in users for _ in range(3)]
    other = sign_in(make_user("other@example.com")).session_key
    assert all(map(is_alive, [*tokens, other]))
    primary, replica = sentinels.roles()
    wait_for(lambda: primary.client().wait(1, 1000) == 1, "the replica to have it all")
    with cut_link(primary, replica):
        for act, user in zip(acts, users, strict=True):
            act(user)
        assert not any(map(is_alive, tokens))
        with failed_over(primary, replica):
            assert answer(other)
            parsed = [SessionToken.parse(token) for token in tokens]
            keys = [record_key(token.ref, token.id_hash) for token in parsed if token]
            assert replica.client().exists(*keys) == len(tokens)  # they are back
            assert not any(map(answer, tokens))


@pytest.fixture(autouse=True)
def _as_before(sentinels: Sentinels) -> Iterator[None]:
    yield
    wait_for(lambda: follows(sentinels.roles()[1]), "the replica to follow")

"""A server that refuses writes still says who is signed in, and ends sessions if it can."""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from auth_api.options import options
from auth_api.sessions import services
from auth_api.sessions.exceptions import EndReason, SessionStoreUnavailable
from auth_api.sessions.records import SessionRecord
from auth_api.sessions.redis import connections, held
from auth_api.sessions.redis.answers import Ended
from auth_api.sessions.redis.backend import backend
from auth_api.sessions.redis.keys import index_key, record_key, snapshot_key
from auth_api.sessions.store import SessionStore
from tests.auth_api.sessions.conftest import is_alive, request_with
from tests.clock import age_sessions
from tests.ports import free_port
from tests.topologies import wait_for
from tests.valkey import ValkeyServer

SignIn = Callable[..., SessionStore]
Refusal = Callable[[ValkeyServer], AbstractContextManager[None]]


@contextmanager
def set_to(server: ValkeyServer, name: str, value: Any) -> Iterator[None]:
    before = server.client().config_get(name)[name]
    server.client().config_set(name, value)
    try:
        yield
    finally:
        server.client().config_set(name, before)


def out_of_memory(server: ValkeyServer) -> AbstractContextManager[None]:
    return set_to(server, "maxmemory", 1)


def too_few_replicas(server: ValkeyServer) -> AbstractContextManager[None]:
    return set_to(server, "min-replicas-to-write", 9)


@contextmanager
def disk_full(server: ValkeyServer) -> Iterator[None]:
    """Its last dump failed: here, a folder has the place of the file."""
    dump = server.folder / "dump.rdb"
    dump.unlink(missing_ok=True)
    dump.mkdir()
    try:
        with set_to(server, "save", "3600 1"):
            server.client().bgsave()
            wait_for(lambda: _dump_state(server) == "err", "the dump to fail")
            yield
    finally:
        dump.rmdir()
        server.client().bgsave()
        wait_for(lambda: _dump_state(server) == "ok", "the dump to work")


def _dump_state(server: ValkeyServer) -> str:
    state = server.client().info("persistence")
    return "" if state["rdb_bgsave_in_progress"] else str(state["rdb_last_bgsave_status"])


@contextmanager
def read_only(server: ValkeyServer) -> Iterator[None]:
    """It became a replica, of a primary that is not there."""
    server.client().replicaof("127.0.0.1", free_port())
    try:
        yield
    finally:
        server.client().replicaof("NO", "ONE")
        held.drop(
            connections.connection().connection_pool
        )  # as Sentinel does: now it is another run


ALONE = pytest.mark.skipif(
    os.environ.get("GATEHOUSE_TEST_TOPOLOGY") == "cluster",
    reason="a node of a cluster redirects when it is a replica",
)
REFUSALS = [
    out_of_memory,
    too_few_replicas,
    disk_full,
    pytest.param(read_only, marks=ALONE),
]  # fmt: skip
every_refusal = pytest.mark.parametrize("refusal", REFUSALS)


def last_seen(token: str, *, slide: bool = True) -> int:
    return services.current_session(request_with(token), slide=slide).session.last_seen_at


@every_refusal
def test_sessions_are_valid_without_the_slide(
    server: ValkeyServer, sign_in: SignIn, redis_client: Any, refusal: Refusal,
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.setattr(backend, "_report_slides_after", 0.0)
    tokens = [sign_in().session_key for _ in range(2)]
    nobodys = SessionStore()
    nobodys["basket"] = 1
    nobodys.save()
    age_sessions(redis_client, options().slide_interval + 1)
    seen = [last_seen(token, slide=False) for token in tokens]
    with refusal(server), caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert [last_seen(token) for token in tokens] == seen
        assert SessionStore(nobodys.session_key)["basket"] == 1
    assert caplog.text.count("slide.refused") == 1
    assert all(last_seen(token) > before for token, before in zip(tokens, seen, strict=True))


@every_refusal
def test_users_whose_snapshot_ran_out_are_asked_for_in_the_database(
    server: ValkeyServer, sign_in: SignIn, user: Any, redis_client: Any, refusal: Refusal
) -> None:
    token = sign_in().session_key
    redis_client.delete(snapshot_key(user.session_ref))
    watcher = server.client()
    with refusal(server):
        before = watcher.info("stats")["total_connections_received"]
        assert all(is_alive(token) for _ in range(20))
        # A new connection for each would multiply the load of the outage.
        assert watcher.info("stats")["total_connections_received"] - before < 10


def test_an_answer_of_the_database_counts_though_it_cannot_be_cached(
    sign_in: SignIn, user: Any, redis_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis went away after it had answered."""

    def gone(*_: object, **__: object) -> bool:
        raise SessionStoreUnavailable("gone")

    token = sign_in().session_key
    redis_client.delete(snapshot_key(user.session_ref))
    monkeypatch.setattr(backend, "put_snapshot", gone)
    assert is_alive(token)


@every_refusal
@pytest.mark.parametrize("clock", ["idle", "absolute"])
def test_both_clocks_hold(
    server: ValkeyServer, sign_in: SignIn, redis_client: Any, refusal: Refusal, clock: str
) -> None:
    """As long as the record is there, which Redis would have let expire by itself."""
    store = sign_in()
    token, record = store.token, store.valid.record if store.valid else None
    assert token
    assert record
    old = _of_before(record, clock)
    redis_client.set(record_key(token.ref, token.id_hash), old)
    with refusal(server):
        answer = backend.validate(token.ref, token.id_hash, slide_interval=60, admin=False)
        assert answer == Ended(EndReason(clock))


def _of_before(record: SessionRecord, clock: str) -> bytes:
    header, seen = record.header, record.last_seen_at
    if clock == "idle":
        seen -= header.idle
    else:
        header = header._replace(authenticated_at=header.authenticated_at - header.lifetime)
    return header.pack() + seen.to_bytes(4, "big") + bytes(4) + record.body


@every_refusal
def test_what_is_over_stays_over(
    server: ValkeyServer, sign_in: SignIn, user: Any, redis_client: Any, refusal: Refusal
) -> None:
    out, away, kept = sign_in(), sign_in(), sign_in()
    assert out.token
    assert away.token
    redis_client.zrem(index_key(user.session_ref), out.token.id_hash)
    redis_client.delete(record_key(user.session_ref, away.token.id_hash))
    with refusal(server):
        for _ in range(2):
            assert not is_alive(out.token.value)
            assert not is_alive(away.token.value)
        assert is_alive(kept.session_key)


@pytest.mark.parametrize(
    "refusal", [too_few_replicas, disk_full, pytest.param(read_only, marks=ALONE)]
)
def test_changes_are_refused_and_undo_nothing(
    server: ValkeyServer, sign_in: SignIn, user: Any, refusal: Refusal
) -> None:
    token = sign_in().session_key
    changes: list[Callable[[], Any]] = [
        sign_in,
        SessionStore(token).delete,
        lambda: services.end_all_sessions(user),
        lambda: services.renew_session(request_with(token), methods=("pwd",)),
    ]
    with refusal(server):
        for change in changes:
            with pytest.raises(SessionStoreUnavailable):
                change()
        assert is_alive(token)
    assert is_alive(token)


# -- sessions end without memory to spare ------------------------------------------------------


def sign_out(token: str, user: Any) -> None:
    services.end_session(request_with(token))


def end_by_handle(token: str, user: Any) -> None:
    request = request_with(token)
    services.end_session_by_handle(request, request.session.token.handle)


def end_all(token: str, user: Any) -> None:
    assert services.end_all_sessions(user)


def change_the_password(token: str, user: Any) -> None:
    user.set_password("another quiet harbour at dawn")
    user.save()


def deactivate(token: str, user: Any) -> None:
    user.is_active = False
    user.save()


def delete(token: str, user: Any) -> None:
    user.delete()


@pytest.mark.parametrize(
    "end", [sign_out, end_by_handle, end_all, change_the_password, deactivate, delete]
)
def test_sessions_end_without_memory(
    server: ValkeyServer, sign_in: SignIn, user: Any, end: Callable[[str, Any], None]
) -> None:
    token = sign_in().session_key
    assert is_alive(token)
    with out_of_memory(server):
        end(token, user)
        assert not is_alive(token)
    assert not is_alive(token)


def test_the_other_sessions_end_without_memory(server: ValkeyServer, sign_in: SignIn) -> None:
    token, *others = (sign_in().session_key for _ in range(3))
    with out_of_memory(server):
        assert services.end_other_sessions(request_with(token)) == 2
        assert not any(map(is_alive, others))
        assert is_alive(token)


def test_a_sign_out_that_is_sent_twice_ends_without_memory(
    server: ValkeyServer, sign_in: SignIn
) -> None:
    """On a cluster, the second one has no write but the mark that the replicas acknowledge."""
    token = sign_in().session_key
    with out_of_memory(server):
        for _ in range(2):
            SessionStore(token).delete()


@ALONE
def test_a_refused_slide_is_asked_for_once_more_elsewhere(
    server: ValkeyServer, sign_in: SignIn, redis_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that became a replica: a new connection may lead to the primary."""
    monkeypatch.setattr(connections, "_JUST_MADE", 0.0)
    monkeypatch.setattr(held, "LONGEST_HELD", 3600.0)
    token = sign_in().session_key
    age_sessions(redis_client, options().slide_interval + 1)
    with read_only(server):
        assert services.current_session(request_with(token), slide=False)
        before = _clients(server)
        assert before
        assert is_alive(token)
        assert not before & _clients(server)


def _clients(server: ValkeyServer) -> set[str]:
    return {c["id"] for c in server.client().client_list(_type="normal") if c["cmd"] == "evalsha"}

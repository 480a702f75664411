"""Durable commands on a cluster whose slots move: they follow, and so does the acknowledgement."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from redis.crc import key_slot

from auth_api.sessions.exceptions import SessionStoreUnavailable
from auth_api.sessions.redis.backend import backend
from auth_api.sessions.redis.keys import snapshot_key
from auth_api.sessions.store import SessionStore
from auth_api.sessions.tokens import SessionToken, new_ref
from tests.auth_api.outages import no_store
from tests.auth_api.sessions.conftest import is_alive
from tests.topologies import wait_for

pytestmark = pytest.mark.skipif(
    os.environ.get("GATEHOUSE_TEST_TOPOLOGY") != "cluster",
    reason="CLUSTER: for script/test cluster",
)


class Slot:
    """The slot of a user's keys, and the two primaries between which it moves."""

    def __init__(self, client: Any, ref: str) -> None:
        self.number = key_slot(f"{{{ref}}}".encode())
        here = client.get_node_from_key(snapshot_key(ref))
        there = next(node for node in client.get_primaries() if node != here)
        self.here, self.there = (client.get_redis_connection(node) for node in (here, there))
        self.servers = [client.get_redis_connection(node) for node in client.get_nodes()]

    def set(self, server: Any, *state: Any) -> None:
        server.execute_command("CLUSTER SETSLOT", self.number, *state)

    def begin(self) -> None:
        """From now on `here` redirects to `there` for keys that it no longer has."""
        self.set(self.there, "IMPORTING", name_of(self.here))
        self.set(self.here, "MIGRATING", name_of(self.there))

    def end_at(self, server: Any) -> None:
        for one in (self.there, self.here):
            self.set(one, "NODE", name_of(server))
        wait_for(lambda: all(self._owner(one) == name_of(server) for one in self.servers), "all")

    def _owner(self, server: Any) -> str:
        for first, last, *nodes in server.execute_command("CLUSTER SLOTS", NEVER_DECODE=b""):
            if int(first) <= self.number <= int(last):
                return bytes(nodes[0][2]).decode()
        return ""


def name_of(server: Any) -> str:
    name = server.execute_command("CLUSTER MYID")
    return name.decode() if isinstance(name, bytes) else str(name)


@pytest.fixture
def slot(user: Any, redis_client: Any) -> Iterator[Slot]:
    moving = Slot(redis_client, user.session_ref)
    yield moving
    redis_client.flushall()
    moving.end_at(moving.here)


def test_a_slot_that_went_elsewhere_is_followed(slot: Slot, sign_in: Any) -> None:
    slot.begin()
    slot.end_at(slot.there)
    slot.there.config_resetstat()
    token = sign_in().session_key
    assert is_alive(token)
    SessionStore(token).delete()
    assert not is_alive(token)
    assert slot.there.info("commandstats")["cmdstat_wait"]["calls"] >= 2


def test_a_slot_on_its_way_is_asked_for_at_both_ends(slot: Slot, user: Any) -> None:
    slot.begin()
    slot.there.config_resetstat()
    backend.fence_snapshot(
        user.session_ref, b"n" * 16, lifetime=60
    )  # `here` has no such snapshot: ASK
    asked = slot.there.info("commandstats")
    waited = asked["cmdstat_wait"]["calls"]  # twice if the server did not know the script
    assert asked["cmdstat_asking"]["calls"] == 3 * waited
    slot.end_at(slot.there)
    assert slot.there.exists(snapshot_key(user.session_ref))


def test_keys_that_are_at_both_ends_are_unknown(slot: Slot, sign_in: Any) -> None:
    """TRYAGAIN: neither node has all keys, so the answer is unknown."""
    token = sign_in().session_key
    slot.begin()
    snapshot = snapshot_key(SessionToken.parse(token).ref)  # type: ignore[union-attr]
    slot.here.execute_command("MIGRATE", *address_of(slot.there), snapshot, 0, 1000)
    with pytest.raises(SessionStoreUnavailable):
        sign_in()


def address_of(server: Any) -> tuple[str, int]:
    options = server.get_connection_kwargs()
    return options["host"], options["port"]


def test_a_batch_teaches_nodes_their_scripts_without_a_call_for_each_user(
    redis_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the first command of a batch carries the text of the script, and it reaches one node."""
    for node in redis_client.get_primaries():
        redis_client.get_redis_connection(node).script_flush()
    monkeypatch.setattr("auth_api.sessions.redis.backend.ask_durably", no_store)
    refs = [new_ref() for _ in range(40)]
    backend.fence_snapshots([(ref, b"nonce") for ref in refs], lifetime=60)
    assert all(redis_client.get(snapshot_key(ref)) == b"\0nonce" for ref in refs)

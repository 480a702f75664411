"""A primary dies: sessions go on at the new one, and what was ended stays ended."""

from dataclasses import replace
from typing import Any

import pytest

from auth_api.doctor.findings import Outcome
from auth_api.doctor.redis import redis
from auth_api.sessions import services
from auth_api.sessions.exceptions import SessionStoreUnavailable
from auth_api.sessions.store import SessionStore
from tests.auth_api.sessions.conftest import is_alive
from tests.topologies import SERVICE, Sentinels, follows, wait_for


def test_doctor_looks_at_every_sentinel_and_replica(sentinels: Sentinels, settings: Any) -> None:
    found = {each.check: each for each in redis()}
    assert {each.outcome for each in found.values()} == {Outcome.OK}
    assert found["redis-sentinels"].found == "all 3 answer"
    assert found["redis-replication"].found == "each write waits for 1 of 1 replicas"
    settings.GATEHOUSE = replace(settings.GATEHOUSE, redis_replicas=0)
    paused = sentinels.sentinels[2]
    paused.pause()
    try:
        found = {each.check: each for each in redis() if each.outcome is not Outcome.OK}
    finally:
        paused.resume()
    assert found.keys() == {"redis-sentinels", "redis-replication"}
    assert str(paused.port) in found["redis-sentinels"].found
    assert "GATEHOUSE_REDIS_REPLICAS" in found["redis-replication"].mend


def answers(token: str) -> bool:
    try:
        is_alive(token)
    except SessionStoreUnavailable:
        return False
    return True


def test_sessions_survive_a_failover(sentinels: Sentinels, sign_in: Any, user: Any) -> None:
    kept, ended = sign_in().session_key, sign_in().session_key
    SessionStore(ended).delete()
    primary, replica = sentinels.roles()  # an earlier test may have swapped them
    client = primary.client()
    wait_for(lambda: client.wait(1, 1000) == 1, "the replica to have it all")
    primary.stop()

    def promoted() -> bool:
        address = (
            sentinels.sentinels[0]
            .client()
            .execute_command("SENTINEL GET-MASTER-ADDR-BY-NAME", SERVICE)
        )
        port = address[1] if isinstance(address, list | tuple) else address
        return int(port) == replica.port

    try:
        # Until then the answer is "unknown", never "signed out".
        wait_for(promoted, "the replica to be promoted")
        wait_for(lambda: answers(kept), "the engine to follow")
        assert is_alive(kept)
        assert not is_alive(ended)
        with pytest.raises(SessionStoreUnavailable):  # nothing replicates this write
            SessionStore(kept).delete()
        primary.start()
        wait_for(lambda: follows(primary), "the old primary to follow")
        kept = sign_in().session_key
        store = SessionStore(kept)
        store["after"] = "the failover"
        store.save()
        assert SessionStore(kept)["after"] == "the failover"
        assert services.end_all_sessions(user) >= 1
        assert not is_alive(kept)
    finally:
        if primary.process is None:
            primary.start()
        wait_for(lambda: follows(primary), "the old primary to follow")

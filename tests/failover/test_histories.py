"""Planned and unplanned failovers under load: whatever was answered 2xx must hold later."""

from collections.abc import Callable

import pytest
from redis.crc import key_slot

from tests.failover.history import Load
from tests.failover.service import running_service
from tests.topologies import Cluster, Sentinels, follows, leads, wait_for

BEFORE, AFTER = 10, 5  # acts of every client


def planned(store: Sentinels) -> None:
    store.fail_over()
    wait_for(lambda: follows(store.primary) and leads(store.replica), "the two to change places")


def coordinated(store: Sentinels) -> None:
    store.fail_over("COORDINATED")  # Valkey 9: the primary hands over and steps down at once
    wait_for(lambda: follows(store.primary) and leads(store.replica), "the two to change places")


def killed(store: Sentinels) -> None:
    store.primary.kill()
    wait_for(
        lambda: store.replica.client().info("replication")["role"] == "master", "a new primary"
    )
    store.primary.start()  # as a supervisor would
    wait_for(lambda: follows(store.primary) and leads(store.replica), "the old primary to follow")


def hung(store: Sentinels) -> None:
    """The old primary comes back as a primary, until a Sentinel demotes it."""
    store.primary.pause()
    wait_for(
        lambda: store.replica.client().info("replication")["role"] == "master", "a new primary"
    )
    store.primary.resume()
    wait_for(lambda: follows(store.primary) and leads(store.replica), "the old primary to follow")


def run_with_sentinels(fail_over: Callable[[Sentinels], None], *, replicas: int) -> Load:
    with Sentinels() as store, running_service(store.url, replicas=replicas) as service:
        with Load(service) as load:
            load.wait_for(BEFORE)
            fail_over(store)
            load.wait_for(AFTER)
        load.look_at_all()
        print(f"\nSentinel, {fail_over.__name__}, {replicas} acknowledge: {load.report()}")
        return load


LONG = pytest.mark.exhaustive  # script/test failover --all


@pytest.mark.parametrize(
    "fail_over",
    [planned, pytest.param(coordinated, marks=LONG), killed, pytest.param(hung, marks=LONG)],
)
def test_nothing_that_was_answered_is_lost_when_sentinel_fails_over(
    fail_over: Callable[[Sentinels], None],
) -> None:
    load = run_with_sentinels(fail_over, replicas=1)
    assert load.lost == []


@LONG
def test_without_the_acknowledgement_of_replicas_a_planned_failover_loses_something() -> None:
    """Otherwise the other tests prove nothing."""
    assert run_with_sentinels(planned, replicas=0).lost


def planned_everywhere(store: Cluster, _: int) -> None:
    for primary, replica in zip(store.primaries, store.replicas, strict=True):
        replica.client().execute_command("CLUSTER FAILOVER")
        wait_for(lambda p=primary, r=replica: follows(p) and leads(r), "the two to change places")


def killed_one(store: Cluster, slot: int) -> None:
    number = min(slot * len(store.primaries) // 16384, len(store.primaries) - 1)
    primary, replica = store.primaries[number], store.replicas[number]
    primary.kill()
    wait_for(lambda: replica.client().info("replication")["role"] == "master", "a new primary")
    primary.start()
    wait_for(lambda: follows(primary) and leads(replica), "the old primary to follow")


@pytest.mark.parametrize("fail_over", [pytest.param(planned_everywhere, marks=LONG), killed_one])
def test_nothing_that_was_answered_is_lost_when_a_cluster_fails_over(
    fail_over: Callable[[Cluster, int], None],
) -> None:
    with Cluster(replicas=True) as store, running_service(store.url, replicas=1) as service:
        with Load(service) as load:
            load.wait_for(BEFORE)
            # Any token of a user names the slot. The list of ended ones only grows, also while the load runs.
            ref = load.clients[0].history.ended[0].partition(".")[0]
            fail_over(store, key_slot(f"{{{ref}}}".encode()))
            load.wait_for(AFTER)
        load.look_at_all()
        print(f"\nCluster, {fail_over.__name__}, 1 acknowledges: {load.report()}")
        assert load.lost == []

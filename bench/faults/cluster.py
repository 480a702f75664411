"""Faults of a cluster of three primaries."""

from collections.abc import Iterator
from typing import Any

from redis.crc import key_slot

from tests.topologies import Cluster, Node, follows, leads, wait_for

from .fault import fault
from .systems import CLUSTER, CLUSTER_WITH_REPLICAS, System


def _cluster(system: System) -> Cluster:
    assert system.cluster  # noqa: S101 - the system that the fault names
    return system.cluster


def _is_up(node: Node) -> bool:
    return "cluster_state:ok" in _text(node.client().execute_command("CLUSTER INFO"))


def _text(answer: Any) -> str:
    if isinstance(answer, dict):
        return " ".join(f"{name}:{value}" for name, value in answer.items())
    return answer.decode() if isinstance(answer, bytes) else str(answer)


@fault("Cluster: a primary killed, no replicas", CLUSTER)
def killed(system: System) -> Iterator[None]:
    store = _cluster(system)
    store.primaries[0].kill()
    yield
    store.primaries[0].start()
    wait_for(lambda: all(_is_up(node) for node in store.nodes), "the cluster to be up")


@fault("Cluster: a primary killed, its replica takes over", CLUSTER_WITH_REPLICAS, hold=1)
def taken_over(system: System) -> Iterator[None]:
    store = _cluster(system)
    primary, replica = store.primaries[0], store.replicas[0]
    primary.kill()
    wait_for(lambda: replica.client().info("replication")["role"] == "master", "a new primary")
    yield
    primary.start()
    wait_for(lambda: follows(primary) and leads(replica), "the old primary to follow")


@fault("Cluster: slots moved", CLUSTER, hold=1)
def slots_moved(system: System) -> Iterator[None]:
    """Move the slots of the keys that are there to the next primary, and back."""
    store = _cluster(system)
    moves = [move for node in store.primaries for move in _moves(store, node)]
    for move in moves:
        move.run()
    yield
    for move in moves:
        move.back().run()


class _Move:
    def __init__(self, slot: int, here: Node, there: Node, all_nodes: list[Node]) -> None:
        self.slot, self.here, self.there, self.all_nodes = slot, here, there, all_nodes

    def back(self) -> "_Move":
        return _Move(self.slot, self.there, self.here, self.all_nodes)

    def run(self) -> None:
        """Move one slot as `valkey-cli --cluster reshard` does."""
        here, there = self.here.client(), self.there.client()
        names = [_text(client.execute_command("CLUSTER MYID")) for client in (here, there)]
        there.execute_command("CLUSTER SETSLOT", self.slot, "IMPORTING", names[0])
        here.execute_command("CLUSTER SETSLOT", self.slot, "MIGRATING", names[1])
        while keys := here.execute_command("CLUSTER GETKEYSINSLOT", self.slot, 100):
            here.execute_command(
                "MIGRATE", "127.0.0.1", self.there.port, "", 0, 5000, "REPLACE", "KEYS", *keys
            )
        for node in (self.there, self.here, *self.all_nodes):
            node.client().execute_command("CLUSTER SETSLOT", self.slot, "NODE", names[1])


def _moves(store: Cluster, node: Node) -> Iterator[_Move]:
    """Three slots of sessions of `node`, to the primary after it."""
    following = store.primaries[(store.primaries.index(node) + 1) % len(store.primaries)]
    sessions = list(node.client().scan_iter("gh:{*}:card", count=1000))
    for slot in sorted({key_slot(key) for key in sessions})[-3:]:
        yield _Move(slot, node, following, store.primaries)

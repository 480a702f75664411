"""Redis as it is run for real, from the embedded server's binary: a cluster, and a Sentinel trio."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import redis

from tests.ports import free_port
from tests.valkey import ValkeyServer

PATIENCE = 60  # seconds
SLOTS = 16384
SERVICE = "gatehouse"


def wait_for(condition: Callable[[], Any], what: str) -> None:
    """Wait until `condition` is true. Raises TimeoutError."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            if condition():
                return
        except redis.RedisError:
            pass
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.1)


class Node(ValkeyServer):
    """A server on a TCP port of loopback."""

    def __init__(self, *arguments: str) -> None:
        self.port = free_port()
        super().__init__("--port", str(self.port), "--bind", "127.0.0.1", *arguments)


class Nodes:
    """Several servers that start and stop together. A context manager."""

    nodes: list[Node]

    def start(self) -> None:
        for node in self.nodes:
            node.start()

    def stop(self) -> None:
        for node in self.nodes:
            node.resume()
            node.stop()

    def __enter__(self) -> Any:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Cluster(Nodes):
    """Three primaries that share the slots, with a replica each if requested."""

    def __init__(self, *, replicas: bool = False) -> None:
        self.primaries = [_cluster_node() for _ in range(3)]
        self.replicas = [_cluster_node() for _ in self.primaries] if replicas else []
        self.nodes = [*self.primaries, *self.replicas]

    @property
    def url(self) -> str:
        return "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)

    def start(self) -> None:
        super().start()
        first, *others = self.nodes
        for node in others:
            bus = node.client().config_get("cluster-port")["cluster-port"]
            first.client().execute_command("CLUSTER MEET", "127.0.0.1", node.port, bus)
        share = SLOTS // len(self.primaries)
        for number, node in enumerate(self.primaries):
            last = SLOTS if number == len(self.primaries) - 1 else (number + 1) * share
            node.client().execute_command("CLUSTER ADDSLOTSRANGE", number * share, last - 1)
        for primary, replica in zip(self.primaries, self.replicas, strict=False):
            name = primary.client().execute_command("CLUSTER MYID")
            wait_for(lambda r=replica, n=name: _replicate(r, n), "the replica to know its primary")
            wait_for(lambda r=replica: follows(r), "the replica to follow")
        for node in self.nodes:
            wait_for(lambda node=node: self._agrees(node), "the cluster to agree")

    def _agrees(self, node: Node) -> bool:
        info = node.client().execute_command("CLUSTER INFO")
        text = info.decode() if isinstance(info, bytes) else str(info)
        count = len(self.nodes)
        known = (
            f"cluster_known_nodes:{count}" in text or f"'cluster_known_nodes': '{count}'" in text
        )
        return known and ("cluster_state:ok" in text or "'cluster_state': 'ok'" in text)


def _cluster_node() -> Node:
    options = ("--cluster-enabled", "yes", "--cluster-port", str(free_port()))
    return Node(*options, "--cluster-node-timeout", "2000")


def _replicate(replica: Node, primary: Any) -> bool:
    replica.client().execute_command("CLUSTER REPLICATE", primary)
    return True


def follows(node: Node) -> bool:
    """Whether a node is a replica that is in sync with its primary."""
    state = node.client().info("replication")
    return state["role"] == "slave" and state["master_link_status"] == "up"


def leads(node: Node) -> bool:
    """Whether a node is a primary that a replica follows."""
    state = node.client().info("replication")
    return state["role"] == "master" and state["connected_slaves"] > 0


class Sentinels(Nodes):
    """A primary, a replica, and three sentinels that watch them."""

    def __init__(self) -> None:
        self.primary, self.replica = Node(), Node()
        self._folder = tempfile.TemporaryDirectory(prefix="gh-sentinel-")
        self.sentinels = [Sentinel(Path(self._folder.name), n, self.primary) for n in range(3)]
        self.nodes = [self.primary, self.replica, *self.sentinels]

    @property
    def url(self) -> str:
        addresses = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        return f"redis+sentinel://{addresses}/{SERVICE}/0"

    def start(self) -> None:
        self.primary.start()
        self.replica.start()
        self.replica.client().replicaof("127.0.0.1", self.primary.port)
        wait_for(lambda: follows(self.replica), "the replica to follow")
        for sentinel in self.sentinels:
            sentinel.start()
        wait_for(lambda: all(s.sees_everybody() for s in self.sentinels), "the sentinels to meet")

    def roles(self) -> tuple[Node, Node]:
        """Return the current primary and replica."""
        pair = (self.primary, self.replica)
        return pair if leads(self.primary) else pair[::-1]

    def fail_over(self, *how: str) -> None:
        """Ask for a planned failover, as an operator does before maintenance."""
        wait_for(lambda: self._asked_for_failover(how), "the sentinels to agree to a failover")

    def _asked_for_failover(self, how: tuple[str, ...]) -> bool:
        self.sentinels[0].client().execute_command("SENTINEL FAILOVER", SERVICE, *how)
        return True

    def stop(self) -> None:
        super().stop()
        self._folder.cleanup()


class Sentinel(Node):
    """The same binary, watching."""

    def __init__(self, folder: Path, number: int, primary: Node) -> None:
        super().__init__()
        path = folder / f"sentinel{number}.conf"
        path.write_text(
            f"sentinel monitor {SERVICE} 127.0.0.1 {primary.port} 2\n"
            f"sentinel down-after-milliseconds {SERVICE} 3000\n"
            f"sentinel failover-timeout {SERVICE} 10000\n"
        )
        self.configuration = (str(path), "--sentinel")

    def sees_everybody(self) -> bool:
        client = self.client()
        others = client.execute_command("SENTINEL SENTINELS", SERVICE)
        replicas = client.execute_command("SENTINEL REPLICAS", SERVICE)
        return len(others) == 2 and len(replicas) == 1

"""Replicas, clusters and Sentinels: what survives the loss of a Redis server."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from redis import Redis
from redis.exceptions import RedisError

from auth_api.doctor.findings import Finding, fail, ok, warn
from auth_api.doctor.redis_nodes import Node
from auth_api.options import options
from auth_api.sessions.redis.connections import ALIAS

_CHECK = "redis-replication"


def replication(node: Node) -> Finding:
    """Judge the replicas of one primary by GATEHOUSE_REDIS_REPLICAS."""
    wanted, online = options().redis_replicas, _online(node)
    if node.info.get("cluster_enabled") and _cluster_state(node) != "ok":
        found = f"{node.name} says that the cluster is not ok: some slots have no server"
        return fail(_CHECK, found, "Look at CLUSTER NODES, and start what is down.")
    if node.info["role"] != "master":
        return fail(
            _CHECK,
            f"{node.name} is a replica",
            "Point REDIS_URL to the primary, or use redis+sentinel://.",
        )
    if online < wanted:
        found = f"{node.name} has {online} replicas online, but GATEHOUSE_REDIS_REPLICAS asks for {wanted}: sign-ins get a 503"
        return fail(_CHECK, found, "Start the missing replicas, or lower GATEHOUSE_REDIS_REPLICAS.")
    if online and not wanted:
        found = f"{node.name} has {online} replicas, but no write waits for them: a failover could undo sign-outs"
        return warn(
            _CHECK, found, "Set GATEHOUSE_REDIS_REPLICAS to the number of replicas of each primary."
        )
    if not online:
        return ok(_CHECK, "one server without replicas, as configured")
    return ok(_CHECK, f"each write waits for {wanted} of {online} replicas")


def sentinels() -> Iterator[Finding]:
    """Yield whether the Sentinels in REDIS_URL answer; nothing for a cluster."""
    configured = settings.CACHES[ALIAS]["OPTIONS"]
    addresses = configured.get("SENTINELS", ())
    silent = [
        f"{host}:{port}"
        for host, port in addresses
        if not _answers(host, port, configured["SENTINEL_KWARGS"])
    ]
    if silent:
        found = f"{len(silent)} of {len(addresses)} Sentinels do not answer: {', '.join(silent)}"
        judge = fail if len(silent) * 2 >= len(addresses) else warn
        yield judge(
            "redis-sentinels",
            found,
            "Start them, or correct REDIS_URL: a failover needs a majority.",
        )
    elif addresses:
        yield ok("redis-sentinels", f"all {len(addresses)} answer")


def _online(node: Node) -> int:
    count = int(node.info["connected_slaves"])
    replicas = (node.info.get(f"slave{number}", {}) for number in range(count))
    return sum(each.get("state") == "online" for each in replicas)


def _cluster_state(node: Node) -> str:
    try:
        found: Any = node.client.execute_command("CLUSTER INFO")
    except RedisError:
        return "unknown"
    if isinstance(found, bytes):
        lines = found.decode().splitlines()
        found = dict(line.split(":", 1) for line in lines if ":" in line)
    return str(found.get("cluster_state", "unknown"))


def _answers(host: str, port: int, how: dict[str, Any]) -> bool:
    try:
        with Redis(host, port, **how) as sentinel:
            return bool(sentinel.ping())
    except (RedisError, OSError):
        return False

"""Looking into the store, on one server or on a cluster."""

from collections import Counter
from typing import Any


def stored_keys(client: Any) -> list[bytes]:
    """Return every key of every primary, except the marks for replicas, which live for a second."""
    found = (key for server in servers(client) for key in server.scan_iter("*", count=1000))
    return [key for key in found if not key.endswith(b":mark")]


def command_counts(client: Any) -> dict[str, int]:
    """How often each command was called, by the servers' own statistics."""
    counts: Counter[str] = Counter()
    for server in servers(client):
        stats = server.info("commandstats")
        counts.update(
            {name.removeprefix("cmdstat_"): stat["calls"] for name, stat in stats.items()}
        )
    return dict(counts)


def reset_command_counts(client: Any) -> None:
    """Count from zero."""
    for server in servers(client):
        server.config_resetstat()


def servers(client: Any) -> list[Any]:
    """Return a client of each primary."""
    if hasattr(client, "get_primaries"):
        return [client.get_redis_connection(node) for node in client.get_primaries()]
    return [client]

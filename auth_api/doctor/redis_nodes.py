"""The Redis servers that keep sessions: each primary of a cluster, or the one server."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from auth_api.sessions.redis.connections import connection

Info = Mapping[str, Any]  # what INFO says, as redis-py parses it


@dataclass(frozen=True)
class Node:
    """One server. `name` is how findings call it."""

    name: str
    client: Any  # redis-py's Redis, whose commands are partly untyped
    info: Info
    appendfsync: str  # "" if this user may not read it
    seconds_ahead: float  # its clock, of ours
    uncertainty: float  # seconds

    @property
    def version(self) -> tuple[int, ...]:
        """Its version as Redis counts them: Valkey also says which Redis it is compatible with."""
        return tuple(int(part) for part in str(self.info["redis_version"]).split(".")[:2])

    @property
    def version_in_words(self) -> str:
        """Its name and full version, as shown to people."""
        own = self.info.get("valkey_version")
        return f"Valkey {own}" if own else f"Redis {self.info['redis_version']}"


def read_nodes() -> list[Node]:
    """Return every server that keeps sessions. Raises one of redis-py's errors, OSError too."""
    client = connection()
    if isinstance(client, Redis):
        return [_read("Redis", client)]
    primaries = sorted(client.get_primaries(), key=lambda node: str(node.name))
    return [_read(f"Redis {node.name}", client.get_redis_connection(node)) for node in primaries]


def _read(name: str, client: Redis) -> Node:
    info: Any = client.info()
    asked = time.time()
    seconds, microseconds = client.time()
    answered = time.time()
    ahead = seconds + microseconds / 1e6 - (asked + answered) / 2
    return Node(name, client, info, _appendfsync(client), ahead, (answered - asked) / 2)


def _appendfsync(client: Redis) -> str:
    try:
        found: Any = client.config_get("appendfsync")
    except RedisError:  # the user of docs/how-to/operations.md may not ask
        return ""
    return str(found.get("appendfsync", ""))

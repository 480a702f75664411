"""Checks whether Redis answers and takes writes, on every node that keeps sessions."""

from typing import Any

from redis import Redis
from redis.exceptions import ResponseError

from auth_api.sessions.redis.connections import NotDurable, ask, ask_durably, connection
from auth_api.sessions.redis.held import OUTAGE

ANSWERS = "redis"  # it does not answer: no session can be checked
NODES = "redis-nodes"  # some nodes of a cluster do not: the sessions there cannot be checked
WRITES = "redis-writes"  # it refuses writes: nobody can sign in or end a session
REPLICAS = "redis-replicas"  # too few acknowledge a write, or the disk does not: likewise
_LIFETIME = 1  # seconds, of a key that is written only to see whether it can be
_MOST_KEYS = 1000  # that are tried to find one on each primary of a cluster


def missing_of_redis() -> tuple[str, ...]:
    """Return what does not work: (ANSWERS,), or some of NODES, WRITES and REPLICAS. Never raises an outage."""
    try:
        found = [_missing_at(key) for key in _keys(connection())]
    except OUTAGE:
        return (ANSWERS,)
    if all(missing == ANSWERS for missing in found):
        return (ANSWERS,)
    names = {NODES if missing == ANSWERS else missing for missing in found}
    return tuple(sorted(names - {""}))


def _missing_at(key: str) -> str:
    """Write `key` as durably as a sign-in writes; "" when that works."""
    try:
        ask_durably(key, "SET", key, "", "EX", _LIFETIME)
    except NotDurable:
        return REPLICAS
    except ResponseError:
        return WRITES if _is_readable(key) else ANSWERS
    except OUTAGE:
        return ANSWERS
    return ""


def _is_readable(key: str) -> bool:
    try:
        ask("EXISTS", key)
    except OUTAGE:
        return False
    return True


def _keys(client: Any) -> list[str]:
    """Return one key on each primary. Raises one of OUTAGE for a cluster with a slot that nobody serves."""
    if isinstance(client, Redis):
        return [_key(0)]
    primaries = len(client.get_primaries())
    found: dict[str, str] = {}
    for number in range(_MOST_KEYS):
        node = client.get_node_from_key(_key(number))
        found.setdefault(node.name if node else "", _key(number))
        if len(found) == primaries:
            break
    return list(found.values())


def _key(number: int) -> str:
    return f"gh:{{ready{number}}}:mark"

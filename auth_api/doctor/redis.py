"""Redis: whether it answers and takes writes, and whether it keeps what it takes."""

from collections.abc import Callable, Iterator

from django.conf import settings

from auth_api.doctor.clocks import judge_clock
from auth_api.doctor.findings import Finding, fail, ok, skipped, warn
from auth_api.doctor.redis_nodes import Node, read_nodes
from auth_api.doctor.redis_replication import replication, sentinels
from auth_api.options import options
from auth_api.sessions.redis import readiness
from auth_api.sessions.redis.held import OUTAGE
from auth_api.settings.redis import fails_over

_OLDEST = (7, 0)  # scripts declare flags
_WAITAOF = (7, 2)
_NEARLY_FULL = 0.9
_MISSING = {
    readiness.ANSWERS: (
        "Redis does not answer",
        "Check REDIS_URL, and that the server is running.",
    ),
    readiness.NODES: ("some nodes of the cluster do not answer", "Start them (CLUSTER NODES)."),
    readiness.WRITES: (
        "Redis refuses writes: nobody can sign in",
        "Look at its log and at INFO: memory, disk, min-replicas-to-write, or a primary that is now a replica.",
    ),
    readiness.REPLICAS: (
        "writes are not acknowledged as the settings require: sign-ins get a 503",
        "Start the missing replicas, or correct GATEHOUSE_REDIS_REPLICAS and GATEHOUSE_REDIS_FSYNC.",
    ),
}
_NAMES = (
    "redis-version",
    "redis-persistence",
    "redis-eviction",
    "redis-replication",
    "redis-clock",
)


def redis() -> Iterator[Finding]:
    """Yield the findings about every server; without an answer, only that."""
    try:
        nodes = read_nodes()
    except OUTAGE as error:
        yield fail(
            "redis", f"Redis does not answer ({_reason(error)})", _MISSING[readiness.ANSWERS][1]
        )
        yield from (skipped(name, "Redis does not answer") for name in _NAMES)
        return
    yield from _writes()
    for judge in (_version, _persistence, _eviction, replication, _clock):
        yield from _of_all(judge, nodes)
    if fails_over(settings.CACHES):
        yield from sentinels()


def _of_all(judge: Callable[[Node], Finding], nodes: list[Node]) -> Iterator[Finding]:
    """Yield each finding once: the servers of a cluster are mostly alike."""
    yield from dict.fromkeys(judge(node) for node in nodes)


def _writes() -> Iterator[Finding]:
    missing = readiness.missing_of_redis()
    yield from (fail("redis", *_MISSING[name]) for name in missing)
    if not missing:
        yield ok("redis", "answers, and accepts writes as durably as the settings require")


def _version(node: Node) -> Finding:
    if node.version < _OLDEST:
        return fail(
            "redis-version",
            f"{node.version_in_words} is too old",
            "Upgrade to Valkey, or to Redis 7.0 or later.",
        )
    if options().redis_fsync and node.version < _WAITAOF:
        found = f"{node.version_in_words} has no WAITAOF, which GATEHOUSE_REDIS_FSYNC=1 needs"
        return fail("redis-version", found, "Upgrade to Valkey, or to Redis 7.2 or later.")
    return ok("redis-version", node.version_in_words)


def _persistence(node: Node) -> Finding:
    name = "redis-persistence"
    if not node.info["aof_enabled"]:
        found = f"{node.name} keeps no append-only file: a restart loses sessions"
        return fail(
            name,
            found,
            "Set `appendonly yes` in its configuration (without a restart: CONFIG SET appendonly yes).",
        )
    broken = [
        key
        for key in ("aof_last_write_status", "aof_last_bgrewrite_status")
        if node.info.get(key, "ok") != "ok"
    ]
    if broken:
        found = f"{node.name} could not write its append-only file ({', '.join(broken)})"
        return fail(name, found, "Look at its log, and at the free space of its disk.")
    if node.appendfsync == "no":
        found = f"appendfsync of {node.name} is no: a crash can lose half a minute of sign-ins and sign-outs"
        return warn(name, found, "Set `appendfsync everysec` or `always`.")
    if options().redis_fsync and node.appendfsync == "everysec":
        found = "GATEHOUSE_REDIS_FSYNC=1 with appendfsync everysec: a sign-in takes up to a second"
        return warn(name, found, "Set `appendfsync always`.")
    return ok(
        name,
        f"append-only file, appendfsync {node.appendfsync or 'unknown (CONFIG GET is not allowed)'}",
    )


def _eviction(node: Node) -> Finding:
    name, policy = "redis-eviction", node.info["maxmemory_policy"]
    used, limit = int(node.info["used_memory"]), int(node.info["maxmemory"])
    if policy != "noeviction":
        found = (
            f"maxmemory-policy of {node.name} is {policy}: when memory is full, it deletes sessions"
        )
        return fail(
            name,
            found,
            "Set `maxmemory-policy noeviction` in its configuration (without a restart: CONFIG SET).",
        )
    if limit and used > _NEARLY_FULL * limit:
        found = (
            f"{node.name} uses {used / limit:.0%} of maxmemory; when it is full, nobody can sign in"
        )
        return warn(name, found, "Raise maxmemory, or add memory.")
    return ok(
        name,
        f"noeviction, {used / 2**20:.0f} MiB used{f' of {limit / 2**20:.0f}' if limit else ''}",
    )


def _clock(node: Node) -> Finding:
    whose = f"the clock of {node.name}"
    effect = "the lifetimes of cookies are wrong by that much"
    return judge_clock("redis-clock", whose, node.seconds_ahead, node.uncertainty, effect=effect)


def _reason(error: Exception) -> str:
    """The error without what could be a secret: redis-py's say where it connected, and why not."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__

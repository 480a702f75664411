"""Sends commands, and waits for replicas and the disk where a write must be durable.

A held connection may lead to a server that is no longer the primary. So connections are replaced
(through Sentinel, or the address in REDIS_URL) when a server refuses as only a non-primary does, when
too few replicas acknowledge, and in any case after LONGEST_HELD seconds (held.py).
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import structlog
from django_redis import get_redis_connection
from redis import ConnectionPool, Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from auth_api import deadline
from auth_api.options import options
from auth_api.sessions.redis import cluster, held
from auth_api.sessions.redis.held import Command
from auth_api.sessions.redis.refusals import CODES
from gatehouse.breaker import Breaker
from gatehouse.metrics import shown_breaker

ALIAS = "sessions"
# Milliseconds; below ANSWER_TIMEOUT (settings/redis.py), so that a late "no" arrives.
REPLICA_TIMEOUT = 500
_FSYNC_TIMEOUT = 900
# With `appendfsync everysec` the disk may have a write after more than a second: longer than one answer
# may take, so the server is asked twice.
_FSYNC = (("WAITAOF", 1, 0, _FSYNC_TIMEOUT),) * 2
_MARK_LIFETIME = 1  # seconds
# A plain SET would be refused when the server is out of memory, but sessions can be ended then.
_MARK = "#!lua flags=allow-oom\nreturn redis.call('SET', KEYS[1], '', 'EX', ARGV[1])"
_JUST_MADE = 1.0  # seconds: a connection made so recently is not replaced
_log = structlog.get_logger("auth_api.sessions")


# Opens when a server does not answer or cannot be reached. Not for a cluster: one silent node must not
# keep anybody from the others, and redis-py's client has its own view of each.
breaker = Breaker(
    failures=5,
    rest=1.0,
    counted=(RedisConnectionError, RedisTimeoutError, OSError),
    on_change=shown_breaker("redis"),
)


class TooLate(RedisError):
    """The caller no longer waits, so nothing may be changed for it."""


class NotDurable(RedisError):
    """Too few replicas, or the primary's disk, have the write: a failover or a crash may undo it."""


@cache
def connection() -> Any:
    """Return django-redis' client of the session store."""
    return get_redis_connection(ALIAS)


def ask(*command: Any) -> Any:
    """Send one command and return its answer.

    If the connection is closed, or the server refuses because it is not the primary, the command is
    sent once more over a new connection: every script is safe to run twice. Raises one of OUTAGE.
    """
    client = connection()
    if not isinstance(client, Redis):
        return cluster.ask(client, command)
    [answer] = _send(client.connection_pool, (command,))
    if isinstance(answer, ResponseError):
        raise answer
    return answer


def ask_durably(mark: str, *command: Any) -> Any:
    """Like `ask`, but return only after as many replicas, and the disk, have the effects as the settings ask.

    `mark` is a key in the slot of the command's keys. It is written after the command, so that the
    waiting covers an earlier attempt too: the command may find its work already done by one that no
    replica has. Raises NotDurable (the write may or may not last), TooLate (before anything is
    sent) or another one of OUTAGE.
    """
    if deadline.is_over():
        raise TooLate
    client, waits = connection(), _waits()
    if not waits:
        return ask(*command)
    commands = (command, ("EVAL", _MARK, 1, mark, _MARK_LIFETIME), *waits)
    if isinstance(client, Redis):
        answer, *acknowledged = _send(client.connection_pool, commands)
    else:
        answer, *acknowledged = cluster.send(client, mark, commands)
    if isinstance(answer, ResponseError):
        raise answer
    if not _is_durable(acknowledged):
        raise _not_durable(client)
    return answer


def ask_each(marks: Sequence[str], commands: Sequence[Command], *, durable: bool) -> list[Any]:
    """Send many commands in one go, each to the node of its mark's slot; return their answers in order.

    A command that fails has its error as answer. `durable`: as `ask_durably`, for all of them.
    Raises one of OUTAGE when some may not have been sent.
    """
    if durable and deadline.is_over():
        raise TooLate
    client, waits = connection(), _waits() if durable else ()
    if isinstance(client, Redis):
        sent = (*commands, *_marked(marks[0], waits))
        return _acknowledged(client, _send(client.connection_pool, sent), waits)
    answers: dict[int, Any] = {}
    for places in cluster.places_by_node(client, marks):
        mark = marks[places[0]]
        group = (*(commands[place] for place in places), *_marked(mark, waits))
        found = _acknowledged(client, cluster.send(client, mark, group), waits)
        answers.update(zip(places, found, strict=True))
    return [answers[place] for place in range(len(commands))]


def require_durability(mark: str) -> None:
    """Raise NotDurable if writes are not acknowledged now. Call it before an irreversible step."""
    if _waits():
        ask_durably(mark, "PING")


def leave_former_primary(refusal: bytes) -> bool:
    """Close older connections if only a server that is not the primary refuses with `refusal`.

    `refusal` is the error of a script's write. Return whether one was closed: then ask again.
    """
    client, code = connection(), refusal.partition(b" ")[0].decode()
    if code not in CODES or not isinstance(client, Redis):
        return False
    return held.drop(client.connection_pool, older_than=_JUST_MADE)


def _waits() -> tuple[Command, ...]:
    """Return the commands that wait for whatever must have a write."""
    replicas = options().redis_replicas
    waits = (("WAIT", replicas, REPLICA_TIMEOUT),) if replicas else ()
    return (*waits, *_FSYNC) if options().redis_fsync else waits


def _marked(mark: str, waits: tuple[Command, ...]) -> tuple[Command, ...]:
    return (("EVAL", _MARK, 1, mark, _MARK_LIFETIME), *waits) if waits else ()


def _acknowledged(client: Any, answers: list[Any], waits: tuple[Command, ...]) -> list[Any]:
    """Return the answers to the commands before the mark. Raises NotDurable."""
    if not waits:
        return answers
    before = len(answers) - len(waits) - 1
    if not _is_durable(answers[before:]):
        raise _not_durable(client)
    return answers[:before]


def _not_durable(client: Any) -> NotDurable:
    """Close a connection that may lead to a former primary, and return the error to raise."""
    if isinstance(client, Redis):  # a cluster's nodes redirect by themselves
        held.drop(client.connection_pool, older_than=_JUST_MADE)
    return NotDurable()


def _is_durable(acknowledged: list[Any]) -> bool:
    """Whether a durable write is where it should be, by the answers to the mark and to `_waits`."""
    for answer in acknowledged:
        if isinstance(answer, ResponseError):
            # The server became a replica in the meantime, or has no WAITAOF, or no AOF.
            _log.error("write.not_acknowledged", cause=str(answer))
            return False
    _, *answers = acknowledged
    if options().redis_replicas and answers.pop(0) < options().redis_replicas:
        return False
    return not answers or answers[-1][0] >= 1


def _send(pool: ConnectionPool, commands: tuple[Command, ...]) -> list[Any]:
    """Return the answers; a command that fails has its error as answer."""
    with breaker:
        return _exchanged(pool, commands)


def _exchanged(pool: ConnectionPool, commands: tuple[Command, ...]) -> list[Any]:
    try:
        answers, refused = held.exchange(pool, held.take(pool), commands)
        if not refused:
            return answers
        held.drop(pool, older_than=_JUST_MADE)
    except RedisConnectionError:
        held.drop(pool)
    return held.exchange(pool, held.made(pool), commands)[0]

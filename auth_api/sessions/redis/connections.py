"""Sends commands over held connections, and waits for replicas where a write must be durable.

django-redis makes the connections (pools, Sentinel, Cluster are its configuration); between two
commands they wait here instead of in redis-py's pool, whose bookkeeping costs more than a session's
validation does.

A held connection may lead to a server that is no longer the primary. So connections are replaced
(through Sentinel, or the address in REDIS_URL) when a server refuses as only a non-primary does, when
too few replicas acknowledge, and in any case after LONGEST_HELD seconds.
"""

import os
import time
from collections import deque
from functools import cache
from typing import Any

from django_redis import get_redis_connection
from hiredis import pack_command
from redis import ConnectionPool, Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisClusterException, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from auth_api import deadline
from auth_api.options import options
from auth_api.sessions.redis import cluster
from auth_api.sessions.redis.refusals import is_refusal
from gatehouse.breaker import Breaker, BreakerOpen

ALIAS = "sessions"
# Redis did not answer, or not well. A cluster of which no node answers raises what is no RedisError.
OUTAGE = (RedisError, RedisClusterException, OSError, BreakerOpen)
LONGEST_HELD = 5.0  # seconds
REPLICA_TIMEOUT = (
    500  # milliseconds; below ANSWER_TIMEOUT (settings/redis.py), so that a late "no" arrives
)
_MARK_LIFETIME = 1  # seconds
_JUST_MADE = 1.0  # seconds: a connection made so recently is not replaced
_RENEWAL_PAUSE = 30.0  # seconds after a failed renewal: each one may wait for every Sentinel

# (when it was made, connection). Append and pop are atomic, for threads and greenlets alike.
_held: deque[tuple[float, Any]] = deque()
os.register_at_fork(after_in_child=_held.clear)
_no_renewal_before = 0.0


# Opens when a server does not answer or cannot be reached. Not for a cluster: one silent node must not
# keep anybody from the others, and redis-py's client has its own view of each.
breaker = Breaker(failures=5, rest=1.0, counted=(RedisConnectionError, RedisTimeoutError, OSError))


class TooLate(RedisError):
    """The caller no longer waits, so nothing may be changed for it."""


class NotReplicated(RedisError):
    """Too few replicas acknowledged the write: a failover may undo it."""


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
    with breaker:
        [answer] = _send(client.connection_pool, (command,))
    if isinstance(answer, ResponseError):
        raise answer
    return answer


def ask_durably(mark: str, *command: Any) -> Any:
    """Like `ask`, but return only after GATEHOUSE_REDIS_REPLICAS replicas have the effects.

    `mark` is a key in the slot of the command's keys. It is written after the command, so that WAIT
    covers an earlier attempt too: the command may find its work already done by one that no replica
    has. Raises NotReplicated (the write may or may not last), TooLate (before anything is sent) or another
    one of OUTAGE.
    """
    if deadline.is_over():
        raise TooLate
    client, replicas = connection(), options().redis_replicas
    if not replicas:
        return ask(*command)
    commands = (
        command, ("SET", mark, "", "EX", _MARK_LIFETIME), ("WAIT", replicas, REPLICA_TIMEOUT),
    )  # fmt: skip
    if isinstance(client, Redis):
        with breaker:
            answer, marked, reached = _send(client.connection_pool, commands)
    else:
        answer, marked, reached = cluster.send(client, mark, commands)
    if isinstance(answer, ResponseError):
        raise answer
    # WAIT fails if the server became a replica in the meantime.
    failed = isinstance(marked, ResponseError) or isinstance(reached, ResponseError)
    if failed or reached < replicas:
        if isinstance(client, Redis):  # a cluster's nodes redirect by themselves
            _drop(client.connection_pool, older_than=_JUST_MADE)
        raise NotReplicated
    return answer


def require_replicas(mark: str) -> None:
    """Raise NotReplicated if too few replicas acknowledge now. Call it before an irreversible step."""
    if options().redis_replicas:
        ask_durably(mark, "PING")


def _send(pool: ConnectionPool, commands: tuple[tuple[Any, ...], ...]) -> list[Any]:
    """Return the answers; a command that fails has its error as answer."""
    try:
        answers, refused = _exchange(pool, _take(pool), commands)
        if not refused:
            return answers
        _drop(pool, older_than=_JUST_MADE)
    except RedisConnectionError:
        _drop(pool)
    return _exchange(pool, _made(pool), commands)[0]


def _exchange(
    pool: ConnectionPool, entry: tuple[float, Any], commands: tuple[tuple[Any, ...], ...]
) -> tuple[list[Any], bool]:
    """Return the answers, and whether the server refused because it is not the primary."""
    held, answers = entry[1], []
    try:
        held.send_packed_command([pack_command(command) for command in commands])
        for _ in commands:
            try:
                answers.append(held.read_response())
            except ResponseError as error:
                answers.append(error)
    except BaseException:
        # An answer may still arrive, and the next user of this connection would get it (redis-py
        # CVE-2023-28858). So close it, whatever the interruption was.
        _close(pool, held)
        raise
    if isinstance(answers[0], ResponseError) and is_refusal(answers[0]):
        _close(pool, held)
        return answers, True
    _held.append(entry)
    return answers, False


def _take(pool: ConnectionPool) -> tuple[float, Any]:
    try:
        entry = _held.pop()
    except IndexError:
        return _made(pool)
    now = time.monotonic()
    if now - entry[0] < LONGEST_HELD or now < _no_renewal_before:
        return entry
    return _renewed(pool, entry)


def _renewed(pool: ConnectionPool, entry: tuple[float, Any]) -> tuple[float, Any]:
    """Return a new connection in place of an old one, or the old one if none can be made."""
    global _no_renewal_before
    try:
        new = _made(pool)
    except OUTAGE:  # the primary is unknown, for example because no Sentinel answers
        _no_renewal_before = time.monotonic() + _RENEWAL_PAUSE
        return entry
    _close(pool, entry[1])
    return new


def _made(pool: ConnectionPool) -> tuple[float, Any]:
    return time.monotonic(), pool.get_connection()


def _drop(pool: ConnectionPool, *, older_than: float = 0.0) -> None:
    """Close the held connections, except those made within the last `older_than` seconds."""
    before = time.monotonic() - older_than
    for _ in range(len(_held)):
        try:
            entry = _held.popleft()
        except IndexError:  # another thread was faster
            return
        if entry[0] > before:
            _held.append(entry)
        else:
            _close(pool, entry[1])


def _close(pool: ConnectionPool, held: Any) -> None:
    held.disconnect()
    pool.release(held)

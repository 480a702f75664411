"""Holds connections between commands, and knows to which run of the store each of them leads.

django-redis makes the connections (pools and Sentinel are its configuration); between two commands
they wait here instead of in redis-py's pool, whose bookkeeping costs more than a session's
validation does.

A *run* is the time for which one server has been the primary without a restart. What is read in
another run may have been put back by the loss of the latest writes (scripts/run.lua, decisions/0009).
A connection leads to one run for as long as it is open, so asking once, when it is made, is enough.
"""

import os
import re
import time
from collections import deque
from typing import Any, NamedTuple

from hiredis import pack_command
from redis import ConnectionPool
from redis.exceptions import RedisClusterException, RedisError, ResponseError

from auth_api.sessions.redis.refusals import is_refusal
from gatehouse.breaker import BreakerOpen

# Redis did not answer, or not well. A cluster of which no node answers raises what is no RedisError.
OUTAGE = (RedisError, RedisClusterException, OSError, BreakerOpen)
LONGEST_HELD = 5.0  # seconds
RENEWAL_PAUSE = 30.0  # seconds after a failed renewal: each one may wait for every Sentinel
# As the last argument of a script: the run to which the connection leads. A script that gets it as it
# is (from a cluster's client, which chooses the connection itself) asks the server.
RUN = b"?"
RUN_BYTES = 12  # the same in scripts/run.lua
_PRIMARY = re.compile(rb"role:master\r\n.*?master_replid:([0-9a-f]{%d})" % RUN_BYTES, re.DOTALL)

Command = tuple[Any, ...]


class Held(NamedTuple):
    """An open connection."""

    made_at: float  # by time.monotonic
    connection: Any
    run: bytes  # empty if the server is not a primary


# Append and pop are atomic, for threads and greenlets alike.
_held: deque[Held] = deque()
os.register_at_fork(after_in_child=_held.clear)
_no_renewal_before = 0.0
_last_run = b""


def last_run() -> bytes:
    """Return a run that this process has seen; it may be over. Empty if none was seen.

    Who asks before reading a row of the database can tell later whether Redis may have lost a fence
    or a snapshot since.
    """
    return _last_run


def take(pool: ConnectionPool) -> Held:
    """Return a held connection, or a new one."""
    try:
        entry = _held.pop()
    except IndexError:
        return made(pool)
    now = time.monotonic()
    if now - entry.made_at < LONGEST_HELD or now < _no_renewal_before:
        return entry
    return _renewed(pool, entry)


def made(pool: ConnectionPool) -> Held:
    """Return a new connection. Raises one of OUTAGE."""
    global _last_run
    made_at = time.monotonic()
    connection: Any = pool.get_connection()
    try:
        connection.send_command("INFO", "replication")
        found = _PRIMARY.search(connection.read_response())
    except BaseException:
        _close(pool, connection)
        raise
    run = found[1] if found else b""
    _last_run = run or _last_run
    return Held(made_at, connection, run)


def exchange(
    pool: ConnectionPool, entry: Held, commands: tuple[Command, ...]
) -> tuple[list[Any], bool]:
    """Return the answers, and whether the server refused because it is not the primary.

    A command that fails has its error as answer. The connection is held again, or closed if it
    cannot be used any more.
    """
    connection, answers = entry.connection, []
    try:
        packed = b"".join([_packed(command, entry.run) for command in commands])
        connection.send_packed_command([packed])  # by one call of the system
        for _ in commands:
            try:
                answers.append(connection.read_response())
            except ResponseError as error:
                answers.append(error)
    except BaseException:
        # An answer may still arrive, and the next user of this connection would get it (redis-py
        # CVE-2023-28858). So close it, whatever the interruption was.
        _close(pool, connection)
        raise
    if isinstance(answers[0], ResponseError) and is_refusal(answers[0]):
        _close(pool, connection)
        return answers, True
    _held.append(entry)
    return answers, False


def drop(pool: ConnectionPool, *, older_than: float = 0.0) -> bool:
    """Close the held connections, except those made within the last `older_than` seconds.

    Return whether one was closed.
    """
    before, dropped = time.monotonic() - older_than, False
    for _ in range(len(_held)):
        try:
            entry = _held.popleft()
        except IndexError:  # another thread was faster
            break
        if entry.made_at > before:
            _held.append(entry)
        else:
            _close(pool, entry.connection)
            dropped = True
    return dropped


def _packed(command: Command, run: bytes) -> Any:
    return pack_command((*command[:-1], run) if command[-1] is RUN else command)


def _renewed(pool: ConnectionPool, entry: Held) -> Held:
    """Return a new connection in place of an old one, or the old one if none can be made."""
    global _no_renewal_before
    try:
        new = made(pool)
    except OUTAGE:  # the primary is unknown, for example because no Sentinel answers
        _no_renewal_before = time.monotonic() + RENEWAL_PAUSE
        return entry
    _close(pool, entry.connection)
    return new


def _close(pool: ConnectionPool, connection: Any) -> None:
    connection.disconnect()
    pool.release(connection)

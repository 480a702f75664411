"""One command over a held connection.

django-redis makes the connections (pools, Sentinel, Cluster are its configuration); between two
commands they wait here instead of in redis-py's pool, whose bookkeeping costs more than a session's
validation does.
"""

import os
from collections import deque
from functools import cache
from typing import Any

from django_redis import get_redis_connection
from hiredis import pack_command
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisClusterException, RedisError, ResponseError

ALIAS = "sessions"
# Redis did not answer, or not well. A cluster of which no node answers raises what is no RedisError.
OUTAGE = (RedisError, RedisClusterException, OSError)

_held: deque[Any] = deque()  # append and pop are atomic, for threads and greenlets alike
os.register_at_fork(after_in_child=_held.clear)


@cache
def connection() -> Any:
    """Return django-redis' client of the session store."""
    return get_redis_connection(ALIAS)


def ask(*command: Any) -> Any:
    """Send one command and return its answer.

    A connection that turns out to be closed is replaced, and the command is sent once more: no
    script does harm when it runs twice. Raises one of OUTAGE.
    """
    client = connection()
    if not isinstance(client, Redis):  # a cluster's client finds the node
        return client.execute_command(*command)
    pool = client.connection_pool
    try:
        return _ask(pool, command)
    except RedisConnectionError:
        _drop_all(pool)
        return _ask(pool, command)


def _ask(pool: Any, command: tuple[Any, ...]) -> Any:
    try:
        held = _held.pop()
    except IndexError:
        held = pool.get_connection()
    try:
        held.send_packed_command([pack_command(command)])
        answer = held.read_response()
    except ResponseError:
        _held.append(held)
        raise
    except BaseException:
        # Its answer may still come: whoever took this connection next would get it (redis-py
        # CVE-2023-28858), so it is closed, whatever interrupted us.
        held.disconnect()
        pool.release(held)
        raise
    _held.append(held)
    return answer


def _drop_all(pool: Any) -> None:
    """The server went away: what else is held is as dead."""
    while _held:
        try:
            held = _held.pop()
        except IndexError:  # somebody else was faster
            return
        held.disconnect()
        pool.release(held)

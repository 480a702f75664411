"""psycopg with a limit for every wait: Django's backend uses this module in place of psycopg.

A server that accepts and never answers, or a network that loses packets in one direction, keeps a
client waiting for as long as TCP's acknowledgements come. Neither libpq nor psycopg limits that wait;
`Connection.wait`, through which all of them go, takes a time limit.
"""

import os
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from typing import Any, TypeVar

import psycopg
from psycopg import (
    Binary,
    DatabaseError,
    DataError,
    Error,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
)
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus

from auth_api.database.limits import breaker, longest_wait, require_answering
from auth_api.options import options

__all__ = (  # the names of PEP 249 that Django uses
    "Binary", "DataError", "DatabaseError", "Error", "IntegrityError", "InterfaceError", "InternalError",
    "NotSupportedError", "OperationalError", "ProgrammingError", "connect",
)  # fmt: skip

T = TypeVar("T")
_INTERVAL = 0.1  # seconds, between two looks for an interrupt, as in psycopg
_NO_ANSWER = frozenset({TransactionStatus.ACTIVE, TransactionStatus.UNKNOWN})


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that is closed when the server does not answer in time."""

    def wait(self, gen: PQGen[T], interval: float = _INTERVAL, timeout: float | None = None) -> T:
        """Wait for an answer as long as `limits.longest_wait` allows. Raises psycopg's errors."""
        limit = longest_wait()
        if limit is None:
            return super().wait(gen, interval, timeout)
        if self.pgconn.transaction_status == TransactionStatus.IDLE:
            require_answering()  # who is in a transaction may end it
        try:
            answer = super().wait(gen, interval, limit)
        except Error:
            if self.pgconn.transaction_status in _NO_ANSWER:
                self.close()
                breaker.failed()
            else:  # it answered, with an error
                breaker.succeeded()
            raise
        breaker.succeeded()
        return answer


def connect(*args: Any, **kwargs: Any) -> BoundedConnection:
    """Connect as psycopg does, but within the limit. Raises psycopg.OperationalError.

    In another thread, because psycopg waits two seconds at least, and for a name server without end.
    """
    limit = longest_wait()
    if limit is None:
        return BoundedConnection.connect(*args, **kwargs)
    require_answering()
    connecting = _threads().submit(BoundedConnection.connect, *args, **kwargs)
    try:
        made = connecting.result(limit)
    except TimeoutError:
        breaker.failed()
        if not connecting.cancel():
            connecting.add_done_callback(_close)
        raise OperationalError("no connection in time") from None
    except Error:
        breaker.failed()
        raise
    breaker.succeeded()
    return made


def _close(late: "Future[BoundedConnection]") -> None:
    with suppress(Error):
        late.result().close()


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(options().database_slots, "connect")


os.register_at_fork(after_in_child=_threads.cache_clear)  # a child has none of its parent's threads

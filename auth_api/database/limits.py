"""How long and by how many threads of a worker the database may be waited for.

The limits that fit a service would end a migration, so they apply only after `serve()`.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from django.db import OperationalError

from auth_api import deadline
from auth_api.options import options
from gatehouse.breaker import Breaker, BreakerOpen
from gatehouse.metrics import shown_breaker

# Each ends before the next one, so that the error that says most arrives: a lock, a statement (both by
# the server), one answer of the server. The BFF waits 5 s.
LOCK_TIMEOUT = 3.0  # seconds; also in commands
STATEMENT_TIMEOUT = 4.0  # seconds
ANSWER_TIMEOUT = 4.5  # seconds
VALIDATION_TIMEOUT = 1.2  # seconds, all of a session's check by the database
_LEAST = 0.25  # seconds, so that a transaction can be rolled back when the deadline has passed
_SLOT_PATIENCE = 0.25  # seconds: many times the length of a statement
_serving = threading.Event()


class DatabaseUnavailable(OperationalError):
    """The database was not asked: too many threads wait for it, or it has just failed several times."""

    def __init__(self, reason: str, retry_after: int) -> None:
        super().__init__(reason)
        self.retry_after = retry_after  # seconds


# In front of PostgreSQL, one in each process: opens when it does not answer or cannot be reached.
breaker = Breaker(failures=5, rest=1.0, on_change=shown_breaker("database"))


def serve() -> None:
    """Apply the limits in this process from now on."""
    _serving.set()


def is_serving() -> bool:
    """Whether this process serves requests."""
    return _serving.is_set()


def longest_wait() -> float | None:
    """Return the seconds for which an answer may be waited for now, None for no limit."""
    time_left = deadline.left()
    limits = [
        *([ANSWER_TIMEOUT] if is_serving() else []),
        *([max(time_left, _LEAST)] if time_left is not None else []),
    ]
    return min(limits, default=None)


def require_answering() -> None:
    """Raise DatabaseUnavailable while the breaker is open. A caller that passes reports to it."""
    try:
        breaker.before()
    except BreakerOpen as error:
        raise DatabaseUnavailable(str(error), error.retry_after) from None


@contextmanager
def slot() -> Iterator[None]:
    """Hold one of the worker's places in front of the database. Raises DatabaseUnavailable if all are taken.

    The other threads are left for what needs only Redis, or nothing.
    """
    if not is_serving():
        yield
        return
    slots = _slots()
    if not (slots.acquire(blocking=False) or slots.acquire(timeout=_SLOT_PATIENCE)):
        raise DatabaseUnavailable("too many threads are waiting for the database", 2)
    try:
        yield
    finally:
        slots.release()


@cache
def _slots() -> threading.BoundedSemaphore:
    return threading.BoundedSemaphore(options().database_slots)

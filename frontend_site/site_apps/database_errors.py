"""Tells a database that is busy or away from a mistake in a query."""

import sqlite3

from django.db import Error

# Classes of PostgreSQL's error codes: connection, no resources, operator intervention.
_AWAY = ("08", "53", "57")
_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def is_unavailable(error: Error) -> bool:
    """Whether the same request may work later: no connection is free or can be made, or a lock is held.

    psycopg gives no code when the server did not answer, and when the pool has no connection in time.
    """
    cause = error.__cause__
    if isinstance(cause, sqlite3.Error):
        return getattr(cause, "sqlite_errorcode", 0) & 0xFF in _LOCKED
    if cause is None or not hasattr(cause, "sqlstate"):
        return False
    return cause.sqlstate is None or cause.sqlstate.startswith(_AWAY)

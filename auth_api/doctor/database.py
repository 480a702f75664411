"""The database: whether it answers, its version, migrations, and a pooler in front of it."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import NotSupportedError

from auth_api.doctor.findings import Finding, fail, ok, skipped, warn

_ATTEMPTS = 5  # to get the server connection of another client, while the pooler has others to give
_ANSWERS = "Check DATABASE_URL, that the server is running, and that it accepts connections from this machine."
_LIMITS = (
    "Run ALTER ROLE <user of DATABASE_URL> SET lock_timeout = '3s', and the same with statement_timeout = '4s' "
    "(docs/how-to/operations.md)."
)
_UNLIMITED = "SELECT name FROM pg_settings WHERE reset_val = '0' AND name = ANY(%s) ORDER BY name"


def database() -> Iterator[Finding]:
    """Yield the findings about the database. What depends on an answer is skipped without one."""
    try:
        connection.ensure_connection()
    except NotSupportedError as error:  # Django refuses old servers
        yield fail("database", _line(error), "Upgrade the server.")
        return
    except Error as error:
        yield fail("database", f"the database does not answer ({_line(error)})", _ANSWERS)
        yield skipped("migrations", "the database does not answer")
        return
    version = ".".join(map(str, connection.get_database_version()))
    yield ok("database", f"{connection.display_name} {version}")
    yield _migrations()
    if connection.vendor == "postgresql":
        yield from _pooler()


def _migrations() -> Finding:
    executor = MigrationExecutor(connection)
    targets = executor.loader.graph.leaf_nodes()
    pending = [str(migration) for migration, _ in executor.migration_plan(targets)]
    if not pending:
        return ok("migrations", "all are applied")
    found = f"{len(pending)} are pending: {', '.join(pending[:3])}{', ...' if pending[3:] else ''}"
    return fail("migrations", found, "Run `manage.py migrate`, as the user that owns the tables.")


def _pooler() -> Iterator[Finding]:
    says_transaction = connection.settings_dict["DISABLE_SERVER_SIDE_CURSORS"]
    shares = _shares_server_connections()
    if shares and not says_transaction:
        found = (
            "a pooler in transaction mode is in front of PostgreSQL, but DATABASE_POOLER is none"
        )
        yield fail(
            "pooler", found, "Set DATABASE_POOLER=transaction for auth_api and its commands."
        )
    elif says_transaction and not shares and not _is_pooled():
        found = "DATABASE_POOLER is transaction, but there is no pooler: locks and statements have no time limit"
        yield warn("pooler", found, "Remove DATABASE_POOLER.")
    elif says_transaction:
        yield from _limits_of_role()
    else:
        yield ok("pooler", "none in transaction mode")


def _limits_of_role() -> Iterator[Finding]:
    """In transaction mode the limits must be the role's: Gatehouse sets none on shared connections."""
    with connection.cursor() as cursor:
        cursor.execute(_UNLIMITED, [["lock_timeout", "statement_timeout"]])
        missing = [name for (name,) in cursor.fetchall()]
    if missing:
        yield warn("pooler", f"the database role has no {' and no '.join(missing)}", _LIMITS)
    else:
        yield ok("pooler", "transaction mode; the role limits locks and statements")


def _is_pooled() -> bool:
    """Whether the server process is another than the one that was announced: poolers make that number up."""
    with connection.cursor() as cursor:
        return bool(_process_of(cursor) != connection.connection.info.backend_pid)


def _shares_server_connections() -> bool:
    """Whether a second client gets the server connection that the first one, still connected, has used.

    Without a pooler, and with one in session mode, it never does.
    """
    second = connection.copy()
    with closing(second), connection.cursor() as mine, second.cursor() as other:
        return any(_process_of(mine) == _process_of(other) for _ in range(_ATTEMPTS))


def _process_of(cursor: Any) -> int:
    cursor.execute("SELECT pg_backend_pid()")
    return int(cursor.fetchone()[0])


def _line(error: Exception) -> str:
    """The first line of an error; psycopg's name the host and the user, and never the password."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]

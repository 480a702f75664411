"""Converts a database URL to an entry of Django's DATABASES. Rejects a URL that it cannot use completely."""

from glob import escape
from pathlib import Path
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from gatehouse.private_files import make_private_folder, remove_access_of_others

SQLITE, POSTGRESQL = "django.db.backends.sqlite3", "django.db.backends.postgresql"
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_DJANGOS_OWN = {"assume_role", "isolation_level", "server_side_binding"}
_POOL = (
    "the option pool is not supported. Remove it; SITE_DATABASE_CONNECTIONS limits the connections of the site, "
    "AUTH_API_THREADS those of auth_api"
)


def parse_database_url(url: str, variable: str) -> dict[str, Any]:
    """Return the entry of DATABASES for `url`, which starts with postgres:// or sqlite://.

    The options of a PostgreSQL URL are libpq's. Raises ImproperlyConfigured, which names `variable`
    and never shows the URL.
    """
    try:
        database: dict[str, Any] = dict(
            dj_database_url.parse(url, conn_max_age=60, conn_health_checks=True)
        )
    except ValueError:  # an unknown scheme, too
        raise _refused(
            variable, "must be postgres://user:password@host/name or sqlite:///path"
        ) from None
    options = database.pop("OPTIONS", {})
    if database["ENGINE"] == SQLITE:
        return database | {"OPTIONS": _sqlite_options(options, variable)}
    if database["ENGINE"] == POSTGRESQL:
        return database | {"OPTIONS": _postgresql_options(options, variable)}
    raise _refused(variable, "must start with postgres:// or sqlite://")


def keep_sqlite_private(database: dict[str, Any], var: Path) -> None:
    """Make an existing SQLite database, and its -wal and -shm files, private to their owner.

    New databases are private through the umask of manage.py and gunicorn.py; SQLite copies a
    database's permissions to the files beside it.
    """
    name = str(database["NAME"])
    if not database["ENGINE"].endswith("sqlite3") or name.startswith((":", "file:")):
        return
    path = Path(name)
    if path.parent == var:
        make_private_folder(var)
    for file in path.parent.glob(f"{escape(path.name)}*"):
        remove_access_of_others(file)


def _sqlite_options(given: dict[str, Any], variable: str) -> dict[str, Any]:
    if given:
        raise _refused(variable, "sqlite:// takes no options; remove them")
    return {
        "transaction_mode": "IMMEDIATE",
        "timeout": 3,  # seconds, for a lock: the BFF waits 5
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }


def _postgresql_options(given: dict[str, Any], variable: str) -> dict[str, Any]:
    if "pool" in given:
        raise _refused(variable, _POOL)
    from psycopg import ProgrammingError  # takes long to import, and SQLite needs none of it
    from psycopg.conninfo import make_conninfo

    try:
        make_conninfo(**{k: v for k, v in given.items() if k not in _DJANGOS_OWN})
    except ProgrammingError:
        raise _refused(
            variable, "has an option that libpq does not know; correct or remove it"
        ) from None
    if given.get("sslmode", _SSL_MODES[0]) not in _SSL_MODES:
        raise _refused(variable, f"sslmode must be one of {', '.join(_SSL_MODES)}")
    # A worker that waits for a dead host serves nobody. The URL overrides these defaults; auth_api sets
    # the limits of locks and statements after connecting (database/postgresql/base.py).
    limits = {"connect_timeout": 3, "tcp_user_timeout": 5000}
    return {**limits, **given}


def _refused(variable: str, why: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{variable}: {why}")

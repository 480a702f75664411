"""The state of the site's database, for /readyz and `manage.py doctor`."""

from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, Error, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import NotSupportedError

from gatehouse import variables
from gatehouse.env import Env
from gatehouse.probe import Probe, results

_OF_ACCOUNTS = {"users_user", "security_log_securityevent"}
_ROOM = "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"


def has_database() -> bool:
    """Whether an app of this site has models."""
    return bool(settings.DATABASES.get(DEFAULT_DB_ALIAS, {}).get("NAME"))


def holds_accounts(database: BaseDatabaseWrapper) -> bool:
    """Whether `database` is that of auth_api, whatever its URL says."""
    return set(database.introspection.table_names()) >= _OF_ACCOUNTS


def database_report() -> dict[str, Any] | None:
    """Return the report of the site's database for doctor, within three seconds; None if there is none.

    `error`: why it does not answer. Otherwise `version`, the `pending` migrations, whether it `holds_accounts`,
    how many connections the workers may open (`wanted`), and how many the server allows for all clients (`room`;
    0: no limit). It shows no password.
    """
    if not has_database():
        return None
    [found] = results(_report)
    return found


def answers() -> bool:
    """Whether a query is answered; on PostgreSQL, over a connection of the pool."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return False
    finally:
        connections.close_all()  # of this thread
    return True


def _look() -> dict[str, Any]:
    try:
        connection.ensure_connection()
        return _found()
    except (Error, NotSupportedError) as error:
        return {"error": (str(error).strip().splitlines() or [type(error).__name__])[0]}
    finally:
        connections.close_all()


def _found() -> dict[str, Any]:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    version = ".".join(map(str, connection.get_database_version()))
    return {
        "version": f"{connection.display_name} {version}",
        "pending": [str(migration) for migration, _ in plan],
        "holds_accounts": holds_accounts(connection),
        **_connections(),
    }


def _connections() -> dict[str, int]:
    pool = connection.settings_dict["OPTIONS"].get("pool")
    if connection.vendor != "postgresql" or not pool:
        return {"wanted": 0, "room": 0}
    with connection.cursor() as cursor:
        cursor.execute(_ROOM)
        [room] = cursor.fetchone()
    return {"wanted": Env().read(variables.FRONTEND_WORKERS) * pool["max_size"], "room": room}


_report = Probe(_look, late={"error": "no answer within 3 seconds"}, patience=3.0)

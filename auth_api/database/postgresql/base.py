"""Django's PostgreSQL backend, guarded."""

from typing import Any

from django.db.backends.postgresql import base

from auth_api.database.guarded import GuardedWrapper
from auth_api.database.limits import LOCK_TIMEOUT, STATEMENT_TIMEOUT, is_serving

from . import driver

_SET = "SELECT set_config('lock_timeout', %s, false), set_config('statement_timeout', %s, false)"


class DatabaseWrapper(GuardedWrapper, base.DatabaseWrapper):
    """Django loads it by the name of this module."""

    Database = driver

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Connect, and limit what the server waits for.

        By a statement, because PgBouncer refuses such settings while connecting. In its transaction mode the
        statement would limit whoever gets this server connection next, a migration too: there the limits are
        those of the database role (docs/how-to/operations.md).
        """
        connection = super().get_new_connection(conn_params)
        if self.settings_dict["DISABLE_SERVER_SIDE_CURSORS"]:
            return connection
        connection.autocommit = True  # Django sets it next
        statement = STATEMENT_TIMEOUT if is_serving() else 0
        connection.execute(_SET, [_milliseconds(LOCK_TIMEOUT), _milliseconds(statement)])
        return connection


def _milliseconds(seconds: float) -> str:
    return str(int(seconds * 1000))

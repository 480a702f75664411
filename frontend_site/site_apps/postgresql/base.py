"""The backend of SITE_DATABASE_URL (Django imports `DatabaseWrapper` from a module of this name)."""

import select
from typing import Any

from django.db.backends.postgresql import base
from gevent.monkey import get_original

# gevent's own makes watchers and a timer, which a poll that never waits does not need.
_poll = get_original("select", "poll")


class DatabaseWrapper(base.DatabaseWrapper):
    """Takes no connection from the pool that the server has closed, for example by a restart.

    Django's CONN_HEALTH_CHECKS would ask the server before every request, which costs a round trip.
    """

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Return a connection of the pool. Raises psycopg.OperationalError."""
        connection = super().get_new_connection(conn_params)
        while _has_ended(connection):
            connection.close()
            self.pool.putconn(connection)  # which opens another one in its place
            connection = super().get_new_connection(conn_params)
        return connection


def _has_ended(connection: Any) -> bool:
    """Whether the server has sent something without being asked: that it goes, or the end of the stream."""
    poll = _poll()  # select() takes no descriptor above 1023, and a worker has more with many pages
    poll.register(connection.pgconn.socket, select.POLLIN)
    return bool(poll.poll(0))

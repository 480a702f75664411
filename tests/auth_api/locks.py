"""Shows whether transactions wait for each other."""

from django.db import connection


def somebody_waits() -> bool:
    """Whether a transaction waits for a row that another one has locked, in PostgreSQL."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])

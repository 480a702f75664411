"""Django's `flush`, which ends every test with a real commit: only what the test has written is deleted.

Django's own empties every table and then makes the content types and permissions again, one by one:
a third of the time of a test.
"""

from typing import Any

from django.core.management.commands import flush
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

_KEPT = ("django_content_type", "auth_permission")  # made by Django after each migration

Rows = list[tuple[Any, ...]]
_made: dict[str, list[Rows]] = {}  # of the kept tables, by database


class Command(flush.Command):
    def handle(self, **options: Any) -> None:
        """As Django's, which still runs for the first test, and after one that has changed permissions."""
        alias = options["database"]
        connection = connections[alias]
        if options["reset_sequences"] or _made.get(alias) != _kept(connection):
            super().handle(**options)
            _made[alias] = _kept(connection)
            return
        with transaction.atomic(alias):
            _delete(connection)


def _kept(connection: BaseDatabaseWrapper) -> list[Rows]:
    with connection.cursor() as cursor:
        return [_rows(cursor, f'SELECT * FROM "{table}" ORDER BY id') for table in _KEPT]  # noqa: S608


def _delete(connection: BaseDatabaseWrapper) -> None:
    """Empty the tables that have rows, in any order: foreign keys are checked at the commit."""
    tables = set(connection.introspection.django_table_names(only_existing=True)) - {*_KEPT}
    with connection.cursor() as cursor:
        used = " UNION ALL ".join(
            f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM \"{table}\")"  # noqa: S608
            for table in sorted(tables)
        )
        for (table,) in _rows(cursor, used):
            cursor.execute(f'DELETE FROM "{table}"')  # noqa: S608


def _rows(cursor: Any, statement: str) -> Rows:
    cursor.execute(statement)
    rows: Rows = cursor.fetchall()
    return rows

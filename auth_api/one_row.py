"""One row by a unique field, with SQL of our own.

The ORM writes its SQL anew for each query: most of what reading a user costs a sign-in, right after
Argon2id emptied the caches (docs/reference/benchmarks.md).
"""

from typing import Any, TypeVar

from django.db import connections, models, router
from django.db.models.sql import Query

Row = TypeVar("Row", bound=models.Model)


def read_row(model: type[Row], **unique: Any) -> Row | None:
    """Return the row with this value, as `filter(**unique).first()` does; None without one.

    Raises what the field raises for a value that it cannot have: ValidationError or ValueError.
    """
    ((name, value),) = unique.items()
    field: Any = model._meta.get_field(name)
    connection = connections[router.db_for_read(model)]
    # Compare as the field does: an address has many spellings.
    same = field.get_lookup("exact")(field.get_col(model._meta.db_table), value)
    key = (field, connection.vendor)
    if key not in _statements:
        _statements[key] = _statement(model, same, connection)
    _, values = same.get_db_prep_lookup(same.rhs, connection)
    return next(iter(model._default_manager.raw(_statements[key], values)), None)


_statements: dict[tuple[Any, str], str] = {}


def _statement(model: type[models.Model], same: Any, connection: Any) -> str:
    where, _ = Query(model).get_compiler(connection=connection).compile(same)
    table = connection.ops.quote_name(model._meta.db_table)
    return f"SELECT * FROM {table} WHERE {where}"  # noqa: S608 - the model's own names

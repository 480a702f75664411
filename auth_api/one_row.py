"""One row by a unique field, with SQL of our own.

The ORM writes its SQL anew for each query: most of what reading a user costs a sign-in, right after
Argon2id emptied the caches (docs/benchmarks.md).
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
    table = model._meta.db_table
    # As the field itself compares: an address has many spellings.
    same = field.get_lookup("exact")(field.get_col(table), value)
    where, values = Query(model).get_compiler(connection=connection).compile(same)
    found = model._default_manager.raw(
        f"SELECT * FROM {connection.ops.quote_name(table)} WHERE {where}",  # noqa: S608 - own names
        values,
    )
    return next(iter(found), None)

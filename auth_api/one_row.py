"""One row by a unique field, with SQL of our own.

The ORM writes its SQL anew for each query: most of what reading a user costs a sign-in, right after
Argon2id emptied the caches (docs/benchmarks.md).
"""

from typing import Any, TypeVar

from django.db import connections, models, router

Row = TypeVar("Row", bound=models.Model)


def read_row(model: type[Row], **unique: Any) -> Row | None:
    """Return the row with this value, as `filter(**unique).first()` does; None without one.

    Raises what the field raises for a value that it cannot have: ValidationError or ValueError.
    """
    ((name, value),) = unique.items()
    field: Any = model._meta.get_field(name)
    connection = connections[router.db_for_read(model)]
    table, column = (connection.ops.quote_name(own) for own in (model._meta.db_table, field.column))
    found = model._default_manager.raw(
        f"SELECT * FROM {table} WHERE {column} = %s",  # noqa: S608 - the model's own names
        [field.get_db_prep_value(value, connection)],
    )
    return next(iter(found), None)

"""Converts DATABASE_URL to Django's DATABASES."""

from typing import Any

from gatehouse.database_url import SQLITE, parse_database_url
from gatehouse.variables import DATABASE_URL

_ENGINES = "auth_api.database"  # Django's own, with limits for what a worker waits for


def database_settings(url: str, *, pooled: bool = False) -> dict[str, Any]:
    """Return the entry of DATABASES for `url` (gatehouse.database_url), with our engines.

    `pooled`: a pooler gives each transaction another connection, so that nothing may outlast one.
    """
    database = parse_database_url(url, DATABASE_URL.name)
    if database["ENGINE"] == SQLITE:
        return database | {"ENGINE": f"{_ENGINES}.sqlite3"}
    return database | {"ENGINE": f"{_ENGINES}.postgresql", "DISABLE_SERVER_SIDE_CURSORS": pooled}

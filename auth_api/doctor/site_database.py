"""The database of the site's apps, as frontend_site reports it."""

from collections.abc import Iterator, Mapping
from typing import Any

from auth_api.doctor.door import Door
from auth_api.doctor.findings import Finding, fail, ok, warn
from auth_api.doctor.site_report import Seen

_ANSWERS = (
    "Check SITE_DATABASE_URL, that the server is running, and that it accepts connections from the machine of "
    "frontend_site."
)
_APART = "Set SITE_DATABASE_URL to a database of the site's own, with a user that cannot reach the one of auth_api."
_ROOM = (
    "Lower SITE_DATABASE_CONNECTIONS or FRONTEND_WORKERS, or raise max_connections of the server."
)


def site_database(_: Door, plain: Seen, __: Seen) -> Iterator[Finding]:
    """Yield whether it answers, is the site's own, is migrated, and gives all workers their connections."""
    found = plain.report.database
    if found is None:  # no app has models
        return
    if error := found.get("error"):
        text = f"the database of the site's apps does not answer ({error})"
        yield fail("site-database", text, _ANSWERS)
        return
    if found["holds_accounts"]:
        yield fail("site-database", "SITE_DATABASE_URL is the database of auth_api", _APART)
        return
    yield ok("site-database", str(found["version"]))
    yield _migrations(found["pending"])
    if found["room"]:
        yield _connections(found)


def _migrations(pending: list[str]) -> Finding:
    if not pending:
        return ok("site-migrations", "all are applied")
    text = f"{len(pending)} are pending: {', '.join(pending[:3])}{', ...' if pending[3:] else ''}"
    return fail("site-migrations", text, "Run `manage.py site migrate`.")


def _connections(found: Mapping[str, Any]) -> Finding:
    wanted, room = found["wanted"], found["room"]
    text = f"the workers of one instance may open {wanted} connections; the server allows {room} for all clients"
    if wanted > room:
        return warn("site-connections", text, _ROOM)
    return ok("site-connections", text)

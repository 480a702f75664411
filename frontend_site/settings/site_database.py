"""The database of the site's apps: SITE_DATABASE_URL, never that of auth_api."""

from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from frontend_site.settings.site_apps import SiteApp
from gatehouse import variables
from gatehouse.database_url import keep_sqlite_private, parse_database_url
from gatehouse.env import Env

_POOL_PATIENCE = 5.0  # seconds that a request waits for a connection, then 503
# Seconds for which the pool tries to replace a lost connection; then it waits for the next request. Its default of
# five minutes has pauses of up to two minutes, which would prolong an outage.
_RECONNECT = 2.0
_ENGINE = "frontend_site.site_apps.postgresql"
_THIS_HOST = ("", "localhost", "::1")


def site_databases(env: Env, var: Path, apps: tuple[SiteApp, ...]) -> dict[str, Any]:
    """Return DATABASES: empty for a site whose apps have no models. Raises ImproperlyConfigured."""
    url = env.read(variables.SITE_DATABASE_URL)
    with_models = [app.name for app in apps if app.has_models]
    if not apps or not (url or with_models):
        return {}
    if not url and env.is_production:
        raise ImproperlyConfigured(
            f"SITE_DATABASE_URL is not set, but the app {with_models[0]} has models. Set it to a database of "
            "the site's own, not to that of auth_api (docs/how-to/adopting.md)."
        )
    database = parse_database_url(
        url or f"sqlite:///{var / 'site.sqlite3'}", variables.SITE_DATABASE_URL.name
    )
    _refuse_accounts(database, env, var)
    keep_sqlite_private(database, var)
    if database["ENGINE"].endswith("postgresql"):
        database = _pooled(database, env.read(variables.SITE_DATABASE_CONNECTIONS))
    return {"default": database}


def _pooled(database: dict[str, Any], connections: int) -> dict[str, Any]:
    """Return `database` with psycopg's pool: at most so many connections in each worker."""
    ours = {"ENGINE": _ENGINE, "CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": False}
    pool = {
        "min_size": 0,
        "max_size": connections,
        "timeout": _POOL_PATIENCE,
        "reconnect_timeout": _RECONNECT,
    }
    return database | ours | {"OPTIONS": {**database["OPTIONS"], "pool": pool}}


def _refuse_accounts(database: dict[str, Any], env: Env, var: Path) -> None:
    """Refuse the database of auth_api: whoever gets hold of the site must not reach the accounts."""
    theirs = env.read(variables.DATABASE_URL, default=f"sqlite:///{var / 'gatehouse.sqlite3'}")
    try:
        accounts = parse_database_url(theirs, variables.DATABASE_URL.name)
    except ImproperlyConfigured:  # auth_api refuses it, too
        return
    if _identity(database) == _identity(accounts):
        raise ImproperlyConfigured(
            "SITE_DATABASE_URL is the database of auth_api (DATABASE_URL). Set it to a database of the site's own."
        )


def _identity(database: dict[str, Any]) -> tuple[str, ...]:
    """Return what tells one database from another. Options of the URL come before its other parts, as for libpq."""
    name, options = str(database["NAME"]), database["OPTIONS"]
    if database["ENGINE"].endswith("sqlite3"):
        return ("sqlite", name if name.startswith((":", "file:")) else str(Path(name).resolve()))
    host = str(options.get("hostaddr") or database["HOST"] or options.get("host", ""))
    port = str(database["PORT"] or options.get("port") or 5432)
    return ("postgresql", _host(host), port, str(options.get("dbname", name)))


def _host(given: str) -> str:
    """Return a host in one spelling; sockets (a path) and loopback addresses are this machine."""
    host = given.lower().rstrip(".")
    return "localhost" if host in _THIS_HOST or host.startswith(("/", "127.")) else host

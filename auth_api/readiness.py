"""What of auth_api works: the checks behind /readyz."""

from django.db import Error, connection

from auth_api.mail.models import OutboxMail
from auth_api.sessions.redis import readiness as redis
from gatehouse.probe import Probe, results
from gatehouse.readiness import Readiness

DATABASE = "database"  # nobody can sign in; sessions are valid by their snapshots, for as long as those live
_PATIENCE = 1.0  # seconds; frontend_site waits longer (frontend_site/readiness.py), so that it hears what is missing
_VITAL = frozenset({redis.ANSWERS})


def readiness() -> Readiness:
    """Return what works now: within a second, whatever hangs."""
    missing = [name for names in results(_redis, _database) for name in names]
    return Readiness.of(missing, vital=_VITAL)


def _missing_of_database() -> tuple[str, ...]:
    """Read a table over a connection of its own: one that is kept may outlive what new ones need."""
    try:
        OutboxMail.objects.exists()
    except Error:
        return (DATABASE,)
    finally:
        connection.close()
    return ()


_redis: Probe[tuple[str, ...]] = Probe(
    redis.missing_of_redis, late=(redis.ANSWERS,), patience=_PATIENCE
)
_database: Probe[tuple[str, ...]] = Probe(
    _missing_of_database, late=(DATABASE,), patience=_PATIENCE
)

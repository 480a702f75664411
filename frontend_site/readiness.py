"""The readiness of the site. It asks auth_api as every call does, with a service token, and the database of its apps."""

from typing import Any

from frontend_site.backend.caller import Caller
from frontend_site.backend.client import Answer, AuthApiUnavailable, ServiceTokenRefused, auth_api
from frontend_site.site_apps.database_state import answers, has_database
from gatehouse.probe import Probe, results
from gatehouse.readiness import Readiness

_AUTH_API = Readiness("not ready", ("auth_api",))  # it does not answer, or not as agreed
_OLDER = Readiness("degraded", ("auth_api",))  # it takes our token, but has no /v1/ready yet
_SERVICE_TOKEN = Readiness("not ready", ("service-token",))  # keys or clocks of the two differ


def readiness() -> Readiness:
    """Return what works now: within two seconds, whatever hangs."""
    probes = [_backend, _database] if has_database() else [_backend]
    found: Readiness
    found, *has_answered = results(*probes)
    return found if all(has_answered) else _without_database(found)


def _without_database(found: Readiness) -> Readiness:
    """Return what is left without the database of the apps: everybody can sign in, and use all other pages."""
    status = "degraded" if found.status == "ready" else found.status
    return Readiness(status, (*found.missing, "site-database"))


def _ask() -> Readiness:
    try:
        return _reported(auth_api().call("ready", Caller()))
    except ServiceTokenRefused:
        return _SERVICE_TOKEN
    except AuthApiUnavailable:
        return _AUTH_API


def _reported(answer: Answer) -> Readiness:
    """Return what auth_api says of itself. Everything that it lacks, the site lacks."""
    if answer.status == 404:
        return _OLDER
    status, missing = answer.document.get("status"), answer.document.get("missing", [])
    if status not in ("ready", "degraded", "not ready") or not isinstance(missing, list):
        return _AUTH_API
    return Readiness(status, tuple(str(name) for name in missing))


# mypy infers one type for all probes of a call
_backend: Probe[Any] = Probe(_ask, late=_AUTH_API, patience=2.0)
_database: Probe[Any] = Probe(answers, late=False, patience=2.0)

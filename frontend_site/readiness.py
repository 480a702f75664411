"""What of the site works: it asks auth_api as every call does, with a service token."""

from frontend_site.backend.caller import Caller
from frontend_site.backend.client import Answer, AuthApiUnavailable, ServiceTokenRefused, auth_api
from gatehouse.probe import Probe, results
from gatehouse.readiness import Readiness

_AUTH_API = Readiness("not ready", ("auth_api",))  # it does not answer, or not as agreed
_OLDER = Readiness("degraded", ("auth_api",))  # it takes our token, but has no /v1/ready yet
_SERVICE_TOKEN = Readiness("not ready", ("service-token",))  # keys or clocks of the two differ


def readiness() -> Readiness:
    """Return what works now: within two seconds, whatever hangs."""
    [found] = results(_backend)
    return found


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


_backend = Probe(_ask, late=_AUTH_API, patience=2.0)

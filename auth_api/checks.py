"""System checks: a set-up that would weaken a promise does not start."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import Error, register
from django.core.exceptions import ImproperlyConfigured

from auth_api.bind_address import HINT, is_private
from auth_api.options import options
from auth_api.settings.redis import fails_over


@register()
def check_cookies(app_configs: Any, **_: Any) -> list[Error]:
    """Sessions travel in `__Host-` cookies only (design section 4)."""
    wanted = {
        "SESSION_COOKIE_NAME": "__Host-session",
        "CSRF_COOKIE_NAME": "__Host-admin-csrf",
        "SESSION_COOKIE_SECURE": True,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Strict",
        "CSRF_COOKIE_SECURE": True,
        "CSRF_COOKIE_SAMESITE": "Strict",
        "SESSION_COOKIE_PATH": "/",
        "CSRF_COOKIE_PATH": "/",
        "SESSION_COOKIE_DOMAIN": None,
        "CSRF_COOKIE_DOMAIN": None,
    }
    return [
        Error(f"{name} weakens our cookies.", hint=f"Set {name} = {value!r}.", id="auth_api.E001")
        for name, value in wanted.items()
        if getattr(settings, name) != value
    ]


@register()
def check_engine(app_configs: Any, **_: Any) -> list[Error]:
    """Only our engine keeps the promise that an ended session stays dead."""
    if settings.SESSION_ENGINE == "auth_api.sessions.store":
        return []
    hint = 'Set SESSION_ENGINE = "auth_api.sessions.store".'
    return [Error("Another session engine is set.", hint=hint, id="auth_api.E002")]


@register()
def check_timeouts(app_configs: Any, **_: Any) -> list[Error]:
    """An idle timeout past the absolute one, or an unknown policy, is a typing error."""
    limits, errors = options(), []
    if limits.session_idle > limits.session_absolute:
        errors.append("GATEHOUSE_SESSION_IDLE is longer than GATEHOUSE_SESSION_ABSOLUTE.")
    if limits.remember_idle > limits.remember_absolute:
        errors.append("GATEHOUSE_REMEMBER_IDLE is longer than GATEHOUSE_REMEMBER_ABSOLUTE.")
    if not 0 < limits.slide_interval < limits.session_idle:  # else use never moves the idle clock
        errors.append("GATEHOUSE_SLIDE_INTERVAL is not between 0 and GATEHOUSE_SESSION_IDLE.")
    if limits.session_limit_policy not in ("end-oldest", "refuse"):
        errors.append('GATEHOUSE_SESSION_LIMIT_POLICY is neither "end-oldest" nor "refuse".')
    if limits.record_format not in (1, 2):
        errors.append("GATEHOUSE_RECORD_FORMAT must be 1 or 2.")
    return [Error(text, id="auth_api.E003") for text in errors]


@register()
def check_keys(app_configs: Any, **_: Any) -> list[Error]:
    """A key that stands in a repository, or one letter many times, protects nothing."""
    if _is_workbench():
        return []
    secrets = {"SECRET_KEY": str(settings.SECRET_KEY).encode()}
    secrets |= {f"GATEHOUSE_SESSION_KEYS ({key.id})": key.secret for key in options().session_keys}
    secrets |= {
        f"GATEHOUSE_IDENTITY_KEYS ({key.id})": key.secret for key in options().identity_keys
    }
    secrets |= {f"GATEHOUSE_SERVICE_KEYS ({key.id})": key.secret for key in options().service_keys}
    weak = [name for name, secret in secrets.items() if not _looks_random(secret)]
    hint = "Take 32 or more characters from a random source."
    return [Error(f"{name} is not random.", hint=hint, id="auth_api.E004") for name in weak]


@register()
def check_debug_and_hosts(app_configs: Any, **_: Any) -> list[Error]:
    """Debug pages show settings and bodies; a wildcard host lets other names reach the admin."""
    if _is_workbench():
        return []
    errors = []
    if settings.DEBUG:
        errors.append(Error("DEBUG is on.", hint="Set DEBUG = False.", id="auth_api.E005"))
    wild = [host for host in settings.ALLOWED_HOSTS if "*" in host or host.startswith(".")]
    if wild or not settings.ALLOWED_HOSTS:
        hint = "Set AUTH_API_HOSTS to the exact names of this service, with commas between."
        errors.append(Error("AUTH_API_HOSTS has a wildcard.", hint=hint, id="auth_api.E005"))
    return errors


@register()
def check_origin(app_configs: Any, **_: Any) -> list[Error]:
    """Mailed links carry tokens: they lead to an https origin."""
    origin = urlsplit(options().public_origin)
    allowed = {"https", "http"} if _is_workbench() else {"https"}
    if origin.scheme in allowed and origin.netloc and not (origin.path or origin.query):
        return []
    hint = "Set GATEHOUSE_PUBLIC_ORIGIN to https://<host>[:port], without a path."
    text = "GATEHOUSE_PUBLIC_ORIGIN is no https origin."
    return [Error(text, hint=hint, id="auth_api.E006")]


@register()
def check_bind(app_configs: Any, **_: Any) -> list[Error]:
    """The private port is for the BFF and for staff: never on every interface, never public."""
    if _is_workbench() or is_private(options().bind):
        return []
    return [Error("auth_api listens in public.", hint=HINT, id="auth_api.E007")]


@register()
def check_keys_are_apart(app_configs: Any, **_: Any) -> list[Error]:
    """What is stolen in one place must not open another."""
    gatehouse = options()
    lists = (gatehouse.session_keys, gatehouse.service_keys, gatehouse.identity_keys)
    secrets = [{key.secret for key in keys} for keys in lists]
    secrets.append({str(settings.SECRET_KEY).encode()})
    if _is_workbench() or len(set.union(*secrets)) == sum(map(len, secrets)):
        return []
    hint = "Make another one for each of SECRET_KEY, GATEHOUSE_SESSION_KEYS, _SERVICE_KEYS, _IDENTITY_KEYS."
    return [Error("One key serves two purposes.", hint=hint, id="auth_api.E008")]


@register()
def check_replicas(app_configs: Any, **_: Any) -> list[Error]:
    """Replication is asynchronous: a failover loses writes that no replica acknowledged."""
    replicas = options().redis_replicas
    hint = "Set GATEHOUSE_REDIS_REPLICAS to the number of replicas of each primary."
    if replicas < 0:
        return [
            Error("GATEHOUSE_REDIS_REPLICAS must not be negative.", hint=hint, id="auth_api.E009")
        ]
    if replicas or _is_workbench() or not fails_over(settings.CACHES):
        return []
    text = "GATEHOUSE_REDIS_REPLICAS is 0: a failover could undo sign-ins and sign-outs."
    return [Error(text, hint=hint, id="auth_api.E009")]


CHECKS = (
    check_cookies, check_engine, check_timeouts, check_keys, check_debug_and_hosts, check_origin,
    check_bind, check_keys_are_apart, check_replicas,
)  # fmt: skip


def refuse_weak_settings() -> None:
    """Raise ImproperlyConfigured with every finding. wsgi.py calls it: gunicorn runs no checks."""
    found = [error for check in CHECKS for error in check(None)]
    if found:
        raise ImproperlyConfigured(" ".join(f"{e.id}: {e.msg} {e.hint or ''}" for e in found))


def _is_workbench() -> bool:
    return options().environment != "production"


def _looks_random(secret: bytes) -> bool:
    return len(secret) >= 32 and len(set(secret)) >= 10

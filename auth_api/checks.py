"""System checks: refuse to start with settings that would weaken a guarantee."""

from django.conf import settings
from django.core.checks import Error, register
from django.core.exceptions import ImproperlyConfigured

from auth_api.bind_address import HINT, is_private
from auth_api.options import options
from auth_api.settings.redis import fails_over
from gatehouse import keys
from gatehouse.cookies import ADMIN_CSRF_COOKIE, SESSION_COOKIE

# Passes: KiB (OWASP Password Storage Cheat Sheet, Argon2id).
_ARGON2_MINIMUM = {1: 47104, 2: 19456, 3: 12288, 4: 9216, 5: 7168}
ARGON2_HINT = "Use 19456 and 2 (the defaults), or at least 47104 and 1, 12288 and 3, 9216 and 4, or 7168 and 5."


@register()
def check_cookies(app_configs: object, **_: object) -> list[Error]:
    """Sessions travel in `__Host-` cookies only."""
    wanted = {
        "SESSION_COOKIE_NAME": SESSION_COOKIE,
        "CSRF_COOKIE_NAME": ADMIN_CSRF_COOKIE,
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
        Error(
            f"{name} weakens the session or CSRF cookie.",
            hint=f"Set {name} = {value!r}.",
            id="auth_api.E001",
        )
        for name, value in wanted.items()
        if getattr(settings, name) != value
    ]


@register()
def check_engine(app_configs: object, **_: object) -> list[Error]:
    """Only Gatehouse's engine guarantees that an ended session stays ended."""
    if settings.SESSION_ENGINE == "auth_api.sessions.store":
        return []
    hint = 'Set SESSION_ENGINE = "auth_api.sessions.store".'
    return [
        Error("SESSION_ENGINE must be Gatehouse's session engine.", hint=hint, id="auth_api.E002")
    ]


@register()
def check_timeouts(app_configs: object, **_: object) -> list[Error]:
    """An idle timeout past the absolute one has no effect."""
    limits, errors = options(), []
    if limits.session_idle > limits.session_absolute:
        errors.append("GATEHOUSE_SESSION_IDLE must not be longer than GATEHOUSE_SESSION_ABSOLUTE.")
    if limits.remember_idle > limits.remember_absolute:
        errors.append(
            "GATEHOUSE_REMEMBER_IDLE must not be longer than GATEHOUSE_REMEMBER_ABSOLUTE."
        )
    if limits.slide_interval >= limits.session_idle:  # then use never moves the idle clock
        errors.append("GATEHOUSE_SLIDE_INTERVAL must be shorter than GATEHOUSE_SESSION_IDLE.")
    return [Error(text, id="auth_api.E003") for text in errors]


@register()
def check_keys(app_configs: object, **_: object) -> list[Error]:
    """Refuse keys that can be guessed, such as one letter many times."""
    if not _is_production():
        return []
    hint = "Set it to 32 or more characters from a random source."
    return [Error(text, hint=hint, id="auth_api.E004") for text in weak_secrets()]


def weak_secrets() -> list[str]:
    """Return a sentence for each secret that can be guessed, in any environment. It shows no secret."""
    return keys.weak_secrets(_secrets())


@register()
def check_debug_and_hosts(app_configs: object, **_: object) -> list[Error]:
    """Debug pages show settings and bodies; a wildcard host lets other names reach the admin."""
    if not _is_production():
        return []
    errors = []
    if settings.DEBUG:
        errors.append(Error("DEBUG is on.", hint="Set DEBUG = False.", id="auth_api.E005"))
    wild = [host for host in settings.ALLOWED_HOSTS if "*" in host or host.startswith(".")]
    if wild or not settings.ALLOWED_HOSTS:
        text = "AUTH_API_HOSTS must not be empty or contain a wildcard."
        hint = "Set AUTH_API_HOSTS to the exact names of this service, separated by commas."
        errors.append(Error(text, hint=hint, id="auth_api.E005"))
    return errors


@register()
def check_origin(app_configs: object, **_: object) -> list[Error]:
    """Links in mails contain tokens, so they must lead to an https origin."""
    if not _is_production() or options().public_origin.startswith("https://"):
        return []
    hint = "Set it to https://<host>[:port]."
    text = "GATEHOUSE_PUBLIC_ORIGIN must start with https://."
    return [Error(text, hint=hint, id="auth_api.E006")]


@register()
def check_bind(app_configs: object, **_: object) -> list[Error]:
    """The private port is for the BFF and for staff, so it must not be public or on every interface."""
    if not _is_production() or is_private(options().bind):
        return []
    return [Error("auth_api must not listen on a public address.", hint=HINT, id="auth_api.E007")]


@register()
def check_keys_are_apart(app_configs: object, **_: object) -> list[Error]:
    """A secret that is stolen in one place must not be usable in another."""
    if not _is_production() or keys.are_apart(_secrets()):
        return []
    hint = (
        "Use different secrets for SECRET_KEY, GATEHOUSE_SESSION_KEYS, GATEHOUSE_SERVICE_KEYS, "
        "GATEHOUSE_IDENTITY_KEYS and GATEHOUSE_FACTOR_KEYS."
    )
    return [Error("The same secret is used for two purposes.", hint=hint, id="auth_api.E008")]


@register()
def check_replicas(app_configs: object, **_: object) -> list[Error]:
    """Replication is asynchronous: a failover loses writes that no replica acknowledged."""
    replicas = options().redis_replicas
    hint = "Set GATEHOUSE_REDIS_REPLICAS to the number of replicas of each primary."
    if replicas or not _is_production() or not fails_over(settings.CACHES):
        return []
    text = "GATEHOUSE_REDIS_REPLICAS is 0: a failover could undo sign-ins and sign-outs."
    return [Error(text, hint=hint, id="auth_api.E009")]


@register()
def check_hash_cost(app_configs: object, **_: object) -> list[Error]:
    """OWASP's minimum for Argon2id with one lane: pairs of memory and passes of equal strength."""
    if not _is_production() or not is_hash_too_cheap():
        return []
    text = "GATEHOUSE_ARGON2_MEMORY_KIB and GATEHOUSE_ARGON2_TIME are weaker than OWASP's minimum."
    return [Error(text, hint=ARGON2_HINT, id="auth_api.E010")]


def is_hash_too_cheap() -> bool:
    """Whether a password hash costs less than OWASP's minimum, in any environment."""
    memory, passes = options().argon2_memory_kib, options().argon2_time
    return not any(memory >= m and passes >= t for t, m in _ARGON2_MINIMUM.items())


CHECKS = (
    check_cookies, check_engine, check_timeouts, check_keys, check_debug_and_hosts, check_origin,
    check_bind, check_keys_are_apart, check_replicas, check_hash_cost,
)  # fmt: skip


def refuse_weak_settings() -> None:
    """Raise ImproperlyConfigured with every finding. wsgi.py calls it: gunicorn runs no checks."""
    found = [error for check in CHECKS for error in check(None)]
    if found:
        raise ImproperlyConfigured(" ".join(f"{e.id}: {e.msg} {e.hint or ''}" for e in found))


def _is_production() -> bool:
    return options().environment == "production"


def _secrets() -> dict[str, tuple[keys.Key, ...]]:
    return {
        "GATEHOUSE_SESSION_KEYS": options().session_keys,
        "GATEHOUSE_SERVICE_KEYS": options().service_keys,
        "GATEHOUSE_IDENTITY_KEYS": options().identity_keys,
        "GATEHOUSE_FACTOR_KEYS": options().factor_keys,
        "SECRET_KEY": keys.unnamed(str(settings.SECRET_KEY)),
    }

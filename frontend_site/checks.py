"""System checks: refuse to start with settings that would weaken a guarantee."""

import ssl
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured

from frontend_site.options import options
from frontend_site.settings.middleware import LATE_BODY, OURS
from frontend_site.site_apps.checks import APP_CHECKS, load_apps
from gatehouse import keys, variables
from gatehouse.env import Env


@register()
def check_debug(app_configs: object, **_: object) -> list[CheckMessage]:
    """Debug pages show settings, bodies and cookies."""
    if not settings.DEBUG or not _is_production():
        return []
    return [Error("DEBUG is on.", hint="Set DEBUG = False.", id="frontend_site.E001")]


@register()
def check_hosts(app_configs: object, **_: object) -> list[CheckMessage]:
    """A wildcard lets a client's Host header into links and caches."""
    wild = [host for host in settings.ALLOWED_HOSTS if "*" in host or host.startswith(".")]
    if settings.ALLOWED_HOSTS and not wild:
        return []
    hint = "Set ALLOWED_HOSTS to the exact names of this site, separated by commas."
    text = "ALLOWED_HOSTS must not be empty or contain a wildcard."
    return [Error(text, hint=hint, id="frontend_site.E002")]


@register()
def check_origin_is_a_host(app_configs: object, **_: object) -> list[CheckMessage]:
    """A site that rejects its own host name answers 400 to every browser."""
    host = urlsplit(options().public_origin).hostname or ""
    name = f"[{host}]" if ":" in host else host
    if not _is_production() or name in settings.ALLOWED_HOSTS:
        return []
    text = f"ALLOWED_HOSTS must contain {name}, the host of GATEHOUSE_PUBLIC_ORIGIN."
    return [Error(text, hint=f"Add {name} to ALLOWED_HOSTS.", id="frontend_site.E010")]


@register()
def check_keys(app_configs: object, **_: object) -> list[CheckMessage]:
    """Short or repetitive keys can be guessed."""
    if not _is_production():
        return []
    hint = "Set it to 32 or more characters from a random source."
    return [Error(text, hint=hint, id="frontend_site.E003") for text in weak_secrets()]


def weak_secrets() -> list[str]:
    """Return a sentence for each secret that can be guessed, in any environment. It shows no secret."""
    return keys.weak_secrets(_secrets())


@register()
def check_origin(app_configs: object, **_: object) -> list[CheckMessage]:
    """Cookies and CSRF need https; plain http is for development on localhost."""
    if not _is_production() or options().public_origin.startswith("https://"):
        return []
    hint = "Set it to https://<host>[:port]."
    text = "GATEHOUSE_PUBLIC_ORIGIN must start with https://."
    return [Error(text, hint=hint, id="frontend_site.E004")]


@register()
def check_script_name(app_configs: object, **_: object) -> list[CheckMessage]:
    """A SCRIPT_NAME from a client could move our paths past the rules of a proxy."""
    if settings.FORCE_SCRIPT_NAME == "":
        return []
    hint = 'Set FORCE_SCRIPT_NAME = "".'
    return [Error("SCRIPT_NAME must not be trusted.", hint=hint, id="frontend_site.E005")]


@register()
def check_middleware(app_configs: object, **_: object) -> list[CheckMessage]:
    """Without our middleware, or in another order, a view that declares nothing would be open to everybody."""
    ours = [*OURS, *([LATE_BODY] if options().apps else [])]
    if [name for name in settings.MIDDLEWARE if name in ours] == ours:
        return []
    hint = "Start from Gatehouse's list, and add yours at the end: MIDDLEWARE = [*MIDDLEWARE, ...]."
    text = "MIDDLEWARE lacks some of Gatehouse's middleware, or has it in another order."
    return [Error(text, hint=hint, id="frontend_site.E014")]


@register(Tags.security, deploy=True)
def check_tls_terminator(app_configs: object, **_: object) -> list[CheckMessage]:
    """Without a trusted proxy or a certificate, no request counts as https, so no HSTS is sent.
    Behind a proxy that is not trusted, all clients share one address and one throttle."""
    gatehouse = options()
    if not _is_production() or gatehouse.proxy_hops > 0 or gatehouse.has_certificate:
        return []
    hint = "Set GATEHOUSE_PROXY_HOPS=1 behind a TLS proxy, or GATEHOUSE_CERTFILE without one."
    return [Warning("No TLS terminator is configured.", hint=hint, id="frontend_site.W007")]


@register()
def check_keys_are_apart(app_configs: object, **_: object) -> list[CheckMessage]:
    """A secret that is stolen in one place must not be usable in another."""
    if not _is_production() or keys.are_apart(_secrets()):
        return []
    hint = (
        "Use different secrets for FRONTEND_SECRET_KEY, GATEHOUSE_SERVICE_KEYS, GATEHOUSE_CSRF_KEYS "
        "and GATEHOUSE_METRICS_TOKEN."
    )
    return [Error("The same secret is used for two purposes.", hint=hint, id="frontend_site.E009")]


@register(Tags.security, deploy=True)
def check_proxy_cannot_be_bypassed(app_configs: object, **_: object) -> list[CheckMessage]:
    """A client that bypasses the proxy can forge its address, scheme and request ID."""
    gatehouse = options()
    everywhere = gatehouse.bind in ("", "0", "0.0.0.0", "::", "[::]")  # noqa: S104 - what is found
    if not _is_production() or gatehouse.proxy_hops < 1 or not everywhere:
        return []
    hint = (
        "Set FRONTEND_BIND to the address that the proxy connects to: 127.0.0.1 on the same host. "
        "If a firewall blocks everyone else, silence this check."
    )
    return [Warning("Clients can bypass the proxy.", hint=hint, id="frontend_site.W008")]


CHECKS = (
    check_debug, check_hosts, check_origin_is_a_host, check_keys, check_origin, check_script_name,
    check_middleware, check_keys_are_apart, *APP_CHECKS,
)  # fmt: skip
DEPLOYMENT_CHECKS = (check_tls_terminator, check_proxy_cannot_be_bypassed)


def refuse_weak_settings() -> None:
    """Raise ImproperlyConfigured with every finding. wsgi.py calls it: gunicorn runs no checks."""
    _require_usable_certificate(Env())
    load_apps()
    found = [message for check in CHECKS for message in check(None)]
    if found:
        raise ImproperlyConfigured(" ".join(f"{m.id}: {m.msg} {m.hint}" for m in found))


def _require_usable_certificate(env: Env) -> None:
    """Refuse a certificate or key that gunicorn cannot use: its workers would start, and fail at every connection."""
    certificate, key = env.read(variables.CERTFILE), env.read(variables.KEYFILE)
    if key and not certificate:
        raise ImproperlyConfigured(
            "GATEHOUSE_KEYFILE is set without GATEHOUSE_CERTFILE. Set both, or neither."
        )
    if not certificate:
        return
    try:
        # A password is given so that an encrypted key is refused, and nobody is asked for one.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key or None, "")
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or type(error).__name__
        raise ImproperlyConfigured(
            f"GATEHOUSE_CERTFILE is not usable ({reason}). Set it to a certificate chain (PEM), and "
            "GATEHOUSE_KEYFILE to its private key, which must not be encrypted."
        ) from None


def _is_production() -> bool:
    return options().environment == "production"


def _secrets() -> dict[str, tuple[keys.Key, ...]]:
    token = options().metrics_token
    return {
        "GATEHOUSE_SERVICE_KEYS": options().service_keys,
        "GATEHOUSE_CSRF_KEYS": options().csrf_keys,
        "FRONTEND_SECRET_KEY": keys.unnamed(str(settings.SECRET_KEY)),
        **({"GATEHOUSE_METRICS_TOKEN": keys.unnamed(token)} if token else {}),
    }

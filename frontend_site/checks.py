"""System checks: a set-up that would weaken a promise does not start."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured

from frontend_site.options import options

_SHORTEST_KEY = 32  # bytes
_MOST_HOPS = 5
_FEWEST_DISTINCT = 10  # of a key that is not random at all


@register()
def check_debug(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """Debug pages show settings, bodies and cookies."""
    if not settings.DEBUG or _is_workbench():
        return []
    return [Error("DEBUG is on.", hint="Set DEBUG = False.", id="frontend_site.E001")]


@register()
def check_hosts(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """A wildcard host lets a stranger's Host header into addresses and caches."""
    wild = [host for host in settings.ALLOWED_HOSTS if "*" in host or host.startswith(".")]
    if settings.ALLOWED_HOSTS and not wild:
        return []
    hint = "Set ALLOWED_HOSTS to the exact names of this site, with commas between."
    return [Error("ALLOWED_HOSTS is empty or has a wildcard.", hint=hint, id="frontend_site.E002")]


@register()
def check_keys(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """Short or repetitive keys can be guessed; one key for two purposes is one theft for both."""
    gatehouse = options()
    lists = {
        "GATEHOUSE_SERVICE_KEYS": [key.secret for key in gatehouse.service_keys],
        "GATEHOUSE_CSRF_KEYS": [key.secret for key in gatehouse.csrf_keys],
        "FRONTEND_SECRET_KEY": [str(settings.SECRET_KEY).encode()],
    }
    return [
        Error(f"{name} {flaw}.", hint=f"Set {name} from a random source.", id="frontend_site.E003")
        for name, keys in lists.items()
        for flaw in _flaws_of(keys)
    ]


@register()
def check_origin(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """Cookies and CSRF stand on https; plain http is for development on localhost."""
    origin = urlsplit(options().public_origin)
    allowed = {"https", "http"} if _is_workbench() else {"https"}
    if origin.scheme in allowed and origin.netloc and not (origin.path or origin.query):
        return []
    hint = "Set GATEHOUSE_PUBLIC_ORIGIN to https://<host>[:port], without a path."
    return [
        Error("GATEHOUSE_PUBLIC_ORIGIN is no https origin.", hint=hint, id="frontend_site.E004")
    ]


@register()
def check_script_name(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """A SCRIPT_NAME from outside would move our paths under a proxy's rules."""
    if settings.FORCE_SCRIPT_NAME == "":
        return []
    hint = 'Set FORCE_SCRIPT_NAME = "".'
    return [Error("SCRIPT_NAME is believed.", hint=hint, id="frontend_site.E005")]


@register()
def check_proxy_hops(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """A number that is no count of proxies lets a client write its own address."""
    if 0 <= options().proxy_hops <= _MOST_HOPS:
        return []
    hint = "Set GATEHOUSE_PROXY_HOPS to how many of your own proxies are in front."
    return [Error("GATEHOUSE_PROXY_HOPS is no count.", hint=hint, id="frontend_site.E006")]


@register(Tags.security, deploy=True)
def check_somebody_says_https(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """Without a proxy that counts and without a certificate, no request is https: no HSTS is sent,
    and behind a proxy that does not count all clients have one address and one throttle."""
    gatehouse = options()
    if _is_workbench() or gatehouse.proxy_hops > 0 or gatehouse.has_certificate:
        return []
    hint = "Set GATEHOUSE_PROXY_HOPS=1 behind a TLS proxy, or GATEHOUSE_CERTFILE without one."
    return [Warning("Nobody says that requests are https.", hint=hint, id="frontend_site.W007")]


@register()
def check_keys_are_apart(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """What is stolen in one place must not open another."""
    gatehouse = options()
    secrets = [
        {key.secret for key in gatehouse.service_keys},
        {key.secret for key in gatehouse.csrf_keys},
        {str(settings.SECRET_KEY).encode()},
    ]
    if _is_workbench() or len(set.union(*secrets)) == sum(map(len, secrets)):
        return []
    hint = "Make another one for each of GATEHOUSE_SERVICE_KEYS, _CSRF_KEYS, FRONTEND_SECRET_KEY."
    return [Error("One key serves two purposes.", hint=hint, id="frontend_site.E009")]


@register(Tags.security, deploy=True)
def check_proxies_cannot_be_passed_by(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """Who reaches this port without the proxy writes the address, scheme and request id that count."""
    gatehouse = options()
    everywhere = gatehouse.bind in ("", "0", "0.0.0.0", "::", "[::]")  # noqa: S104 - what is found
    if _is_workbench() or gatehouse.proxy_hops < 1 or not everywhere:
        return []
    hint = (
        "Set FRONTEND_BIND to the address that the proxy uses, 127.0.0.1 on the same host. "
        "Where a firewall keeps others out, silence this check."
    )
    return [
        Warning("Proxies are believed, on every interface.", hint=hint, id="frontend_site.W008")
    ]


CHECKS = (
    check_debug, check_hosts, check_keys, check_origin, check_script_name, check_proxy_hops,
    check_keys_are_apart,
)  # fmt: skip


def refuse_weak_settings() -> None:
    """Raise ImproperlyConfigured with every finding. wsgi.py calls it: gunicorn runs no checks."""
    found = [message for check in CHECKS for message in check(None)]
    if found:
        raise ImproperlyConfigured(" ".join(f"{m.id}: {m.msg} {m.hint}" for m in found))


def _is_workbench() -> bool:
    return options().environment != "production"


def _flaws_of(keys: list[bytes]) -> Iterator[str]:
    if not keys or not all(keys):
        yield "is missing"
    elif any(len(key) < _SHORTEST_KEY for key in keys):
        yield f"is shorter than {_SHORTEST_KEY} characters"
    elif not _is_workbench() and any(len(set(key)) < _FEWEST_DISTINCT for key in keys):
        yield "is not random"

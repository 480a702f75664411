"""Which Host headers a service answers to: a page elsewhere can point its own name here (DNS rebinding)."""

from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest
from django.http.request import split_domain_port, validate_host


def has_allowed_host(request: HttpRequest) -> bool:
    """Whether the Host of `request` is in ALLOWED_HOSTS."""
    host = request.META.get("HTTP_HOST", request.META.get("SERVER_NAME", ""))
    return _is_allowed(host, tuple(settings.ALLOWED_HOSTS))


@lru_cache(maxsize=64)
def _is_allowed(host: str, allowed: tuple[str, ...]) -> bool:
    """As `request.get_host` judges, for the few names that are asked by."""
    domain, _ = split_domain_port(host)
    return bool(domain) and validate_host(domain, allowed)

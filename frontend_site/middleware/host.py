"""Rejects requests whose Host header is not in ALLOWED_HOSTS."""

from collections.abc import Callable
from functools import lru_cache

import structlog
from django.conf import settings
from django.http import HttpResponse, HttpResponseBase
from django.http.request import split_domain_port, validate_host

from frontend_site import problems
from frontend_site.site_request import SiteRequest

_log = structlog.get_logger("frontend_site")
_PROBES = frozenset({"/healthz", "/readyz"})


class HostMiddleware:
    """Checks the Host header against ALLOWED_HOSTS, and sets Content-Length.

    Probes come by address (`Host: 10.0.0.7`), and their answers say nothing about the host.
    """

    def __init__(self, get_response: Callable[[SiteRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: SiteRequest) -> HttpResponseBase:
        if request.path_info in _PROBES or _is_our_host(request):
            response = self.get_response(request)
        else:
            _log.warning("host.refused")
            response = problems.respond(request, problems.BAD_REQUEST)
        if isinstance(response, HttpResponse):  # nobody knows how long a stream will be
            response.headers.setdefault("Content-Length", str(len(response.content)))
        return response


def _is_our_host(request: SiteRequest) -> bool:
    host = request.META.get("HTTP_HOST", request.META.get("SERVER_NAME", ""))
    return _is_allowed(host, tuple(settings.ALLOWED_HOSTS))


@lru_cache(maxsize=64)
def _is_allowed(host: str, allowed: tuple[str, ...]) -> bool:
    """As `request.get_host` judges, for the few names that are asked by."""
    domain, _ = split_domain_port(host)
    return bool(domain) and validate_host(domain, allowed)

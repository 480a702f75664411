"""Rejects requests whose Host header is not in ALLOWED_HOSTS."""

from collections.abc import Callable

import structlog
from django.http import HttpResponse, HttpResponseBase

from frontend_site import problems
from frontend_site.site_request import SiteRequest
from gatehouse.hosts import has_allowed_host

_log = structlog.get_logger("frontend_site")
_HINT = "If it is a name of this site, add it to ALLOWED_HOSTS. If a proxy sends it, make the proxy keep the Host."
_PROBES = frozenset({"/healthz", "/readyz", "/metrics"})


class HostMiddleware:
    """Checks the Host header against ALLOWED_HOSTS, and sets Content-Length.

    Probes come by address (`Host: 10.0.0.7`), and their answers say nothing about the host.
    """

    def __init__(self, get_response: Callable[[SiteRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: SiteRequest) -> HttpResponseBase:
        if request.path_info in _PROBES or has_allowed_host(request):
            response = self.get_response(request)
        else:
            _log.warning("host.refused", host=request.META.get("HTTP_HOST", "")[:100], hint=_HINT)
            response = problems.respond(request, problems.UNKNOWN_HOST)
        # Nobody knows how long a stream will be, and a 204 has no length (RFC 9110, 8.6).
        if (
            isinstance(response, HttpResponse)
            and response.status_code != 204
            and "Content-Length" not in response.headers
        ):
            response.headers["Content-Length"] = str(len(response.content))
        return response

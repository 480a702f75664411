"""Hosts that are not ours get a 400."""

from django.http import HttpRequest, HttpResponseBase
from django.middleware.common import CommonMiddleware

_PROBES = frozenset({"/healthz", "/readyz"})


class HostMiddleware(CommonMiddleware):
    """Checks the Host header against ALLOWED_HOSTS, and sets Content-Length.

    Probes come by address (`Host: 10.0.0.7`), and their answers say nothing about the host.
    """

    def process_request(self, request: HttpRequest) -> HttpResponseBase | None:  # type: ignore[override]
        if request.path_info in _PROBES:
            return None
        return super().process_request(request)

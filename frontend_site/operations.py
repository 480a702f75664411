"""Health checks and metrics: /healthz, /readyz and /metrics."""

import hmac

from django.http import Http404, HttpResponse, JsonResponse
from prometheus_client import CONTENT_TYPE_LATEST

from frontend_site.options import options
from frontend_site.readiness import readiness
from frontend_site.security.endpoints import probe
from frontend_site.site_request import SiteRequest
from gatehouse.metrics import exposition


@probe
def healthz(request: SiteRequest) -> HttpResponse:
    """The process is alive."""
    return JsonResponse({"status": "alive"})


@probe
def readyz(request: SiteRequest) -> HttpResponse:
    """Ready, degraded (200) or not ready (503), with what is missing."""
    return readiness().response()


@probe
def metrics(request: SiteRequest) -> HttpResponse:
    """Prometheus' text, of all workers. Not there (404) without GATEHOUSE_METRICS_TOKEN: the port is public."""
    token = options().metrics_token
    shown = request.META.get("HTTP_AUTHORIZATION", "").encode("latin-1", "replace")
    if not token or not hmac.compare_digest(shown, f"Bearer {token}".encode()):
        raise Http404
    return HttpResponse(exposition(), content_type=CONTENT_TYPE_LATEST)

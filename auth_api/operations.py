"""Health checks and metrics: /healthz, /readyz and /metrics."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from auth_api.outbox_metrics import OutboxCollector
from auth_api.readiness import readiness
from gatehouse.metrics import exposition


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process is alive."""
    return JsonResponse({"status": "alive"})


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Ready, degraded (200) or not ready (503), with what is missing."""
    return readiness().response()


@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """What works, for frontend_site, by its service token. Not whether this worker is to get new connections."""
    return readiness().response()


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus' text, of all workers."""
    return HttpResponse(exposition(OutboxCollector()), content_type=CONTENT_TYPE_LATEST)

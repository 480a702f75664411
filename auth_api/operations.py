"""Health checks and metrics: /healthz, /readyz and /metrics."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from auth_api.outbox_metrics import OutboxCollector
from auth_api.readiness import readiness
from gatehouse.handover import stop_is_announced
from gatehouse.metrics import exposition
from gatehouse.readiness import STOPPING


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process is alive."""
    return JsonResponse({"status": "alive"})


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Ready, degraded (200), not ready (503, both with what is missing) or stopping (503)."""
    return (STOPPING if stop_is_announced() else readiness()).response()


@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """Readiness for frontend_site, which shows its service token. Ignores an announced stop."""
    return readiness().response()


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus' text, of all workers."""
    return HttpResponse(exposition(OutboxCollector()), content_type=CONTENT_TYPE_LATEST)

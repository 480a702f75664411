"""Health checks and metrics: /healthz, /readyz and /metrics."""

from functools import cache

from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, Counter, generate_latest

from auth_api.sessions.exceptions import SessionStoreUnavailable
from auth_api.sessions.redis.backend import backend
from gatehouse.handover import stop_is_announced

REQUESTS = Counter("gatehouse_auth_requests", "Answers by kind and status", ["kind", "status"])
counter_of = cache(REQUESTS.labels)  # few kinds and statuses, and labels() looks for each again
LOGINS = Counter("gatehouse_logins", "Sign-ins by outcome", ["outcome"])


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process is alive."""
    return JsonResponse({"status": "alive"})


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Database and Redis answer, and no stop is announced; otherwise 503, with what is missing."""
    if stop_is_announced():
        return JsonResponse({"status": "stopping"}, status=503, headers={"Retry-After": "2"})
    missing = [name for name, works in (("database", _database), ("redis", _redis)) if not works()]
    if missing:
        return JsonResponse(
            {"status": "not ready", "missing": missing}, status=503, headers={"Retry-After": "2"}
        )
    return JsonResponse({"status": "ready"})


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text of this worker."""
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)


def _database() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return False
    return True


def _redis() -> bool:
    try:
        backend.ping()
    except SessionStoreUnavailable:
        return False
    return True

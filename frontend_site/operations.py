"""Health checks: /healthz and /readyz."""

from django.http import HttpResponse, JsonResponse

from frontend_site.backend.caller import Caller
from frontend_site.backend.client import AuthApiUnavailable, auth_api
from frontend_site.security.endpoints import probe
from frontend_site.site_request import SiteRequest
from gatehouse.handover import is_stopping


@probe
def healthz(request: SiteRequest) -> HttpResponse:
    """The process is alive."""
    return JsonResponse({"status": "alive"})


@probe
def readyz(request: SiteRequest) -> HttpResponse:
    """auth_api answers that it is ready, and this service does not stop; 503 otherwise."""
    if is_stopping():
        return JsonResponse({"status": "stopping"}, status=503, headers={"Retry-After": "2"})
    try:
        ready = auth_api().call("ready", Caller(request_id=request.request_id)).status == 200
    except AuthApiUnavailable:
        ready = False
    if ready:
        return JsonResponse({"status": "ready"})
    body = {"status": "not ready", "missing": ["auth_api"]}
    return JsonResponse(body, status=503, headers={"Retry-After": "2"})

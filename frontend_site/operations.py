"""Health checks: /healthz and /readyz."""

from django.http import HttpResponse, JsonResponse

from frontend_site.backend.caller import Caller
from frontend_site.backend.client import AuthApiUnavailable, auth_api
from frontend_site.security.endpoints import probe
from frontend_site.site_request import SiteRequest
from gatehouse.handover import stop_is_announced


@probe
def healthz(request: SiteRequest) -> HttpResponse:
    """The process is alive."""
    return JsonResponse({"status": "alive"})


@probe
def readyz(request: SiteRequest) -> HttpResponse:
    """auth_api answers that it is ready, and no stop is announced; 503 otherwise."""
    if stop_is_announced():
        return JsonResponse({"status": "stopping"}, status=503, headers={"Retry-After": "2"})
    try:
        answer = auth_api().call("ready", Caller(request_id=request.request_id))
        # one that stops goes on for a while, and another one may have taken over by then
        ready = answer.status == 200 or answer.document.get("status") == "stopping"
    except AuthApiUnavailable:
        ready = False
    if ready:
        return JsonResponse({"status": "ready"})
    body = {"status": "not ready", "missing": ["auth_api"]}
    return JsonResponse(body, status=503, headers={"Retry-After": "2"})

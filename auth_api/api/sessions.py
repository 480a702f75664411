"""A user's list of sessions."""

import structlog
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from auth_api.sessions import services as sessions
from auth_api.users.models import User

from .forms import require_empty_body
from .presenters import listed_shape

_log = structlog.get_logger("auth_api")


@require_GET
def session_list(request: HttpRequest) -> HttpResponse:
    found = sessions.list_sessions(request)
    return JsonResponse({"items": [listed_shape(summary) for summary in found]})


@require_http_methods(["DELETE"])
def session_detail(request: HttpRequest, handle: str) -> HttpResponse:
    sessions.require_recent_authentication(request)
    sessions.end_session_by_handle(request, handle)
    _log.info("session.ended", handle=handle)
    return HttpResponse(status=204)


@require_POST
def revoke_others(request: HttpRequest) -> HttpResponse:
    require_empty_body(request)
    sessions.require_recent_authentication(request)
    revoked = sessions.end_other_sessions(request)
    _log.info("session.others_ended", count=revoked)
    return JsonResponse({"revoked": revoked})


@require_POST
def revoke_all(request: HttpRequest) -> HttpResponse:
    require_empty_body(request)
    sessions.require_recent_authentication(request)
    user_id = sessions.current_session(request).user["id"]
    revoked = sessions.end_all_sessions(User.objects.get(pk=user_id))
    sessions.end_session(request)
    _log.info("session.all_ended", user=user_id, count=revoked)
    return JsonResponse({"revoked": revoked})

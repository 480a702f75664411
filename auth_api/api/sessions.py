"""Calls to list and end the user's sessions, and to re-authenticate."""

from django.http import HttpResponse, JsonResponse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from auth_api.api_request import ApiRequest
from auth_api.security_log.kinds import Kind
from auth_api.security_log.recording import record_event
from auth_api.sessions import services as sessions
from auth_api.users.flows.recovery import disown_sign_in
from auth_api.users.models import User

from .accounts import TokenForm
from .forms import read_form, require_empty_body
from .presenters import listed_shape, with_session


@require_GET
def session_list(request: ApiRequest) -> HttpResponse:
    found = sessions.list_sessions(request)
    items = [listed_shape(summary) for summary in found]
    return with_session(sessions.current_session(request), items=items)


@require_http_methods(["DELETE"])
def session_detail(request: ApiRequest, handle: str) -> HttpResponse:
    require_empty_body(request)
    sessions.require_recent_authentication(request)
    user_id = sessions.current_session(request).user["id"]
    sessions.end_session_by_handle(request, handle)
    record_event(Kind.SESSION_ENDED, user_id, handle=handle)
    return HttpResponse(status=204)


@require_POST
def disown(request: ApiRequest) -> HttpResponse:
    """By the mailed link alone: it works signed out."""
    disown_sign_in(token=read_form(request, TokenForm).token)
    return JsonResponse(
        {
            "detail": "Every session has ended. If a link can be sent, it is on its way to the address of the account."
        }
    )


@require_POST
def revoke_others(request: ApiRequest) -> HttpResponse:
    require_empty_body(request)
    sessions.require_recent_authentication(request)
    revoked = sessions.end_other_sessions(request)
    current = sessions.current_session(request)
    record_event(
        Kind.OTHERS_ENDED, current.user["id"], handle=current.session.handle, count=revoked
    )
    return JsonResponse({"revoked": revoked})


@require_POST
def revoke_all(request: ApiRequest) -> HttpResponse:
    require_empty_body(request)
    sessions.require_recent_authentication(request)
    user_id = sessions.current_session(request).user["id"]
    revoked = sessions.end_all_sessions(User.objects.get(pk=user_id))
    sessions.leave_ended_session(request)
    record_event(Kind.ALL_ENDED, user_id, count=revoked)
    return JsonResponse({"revoked": revoked})

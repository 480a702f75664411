"""One's own data: to take along, and to delete."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_GET, require_http_methods

from auth_api.security_log.events import all_events
from auth_api.security_log.kinds import Kind
from auth_api.security_log.recording import record_event
from auth_api.sessions import services as sessions
from auth_api.users.own_data import delete_account, export_account

from .forms import require_empty_body
from .presenters import event_shape, listed_shape


@require_GET
def export(request: HttpRequest) -> HttpResponse:
    sessions.require_recent_authentication(request)
    user_id = sessions.current_session(request).user["id"]
    record_event(Kind.EXPORTED, user_id)
    own = {
        "sessions": [listed_shape(summary) for summary in sessions.list_sessions(request)],
        "security_events": [event_shape(event) for event in all_events(user_id)],
    }
    return JsonResponse(export_account(user_id=user_id) | own)


@require_http_methods(["DELETE"])
def account(request: HttpRequest) -> HttpResponse:
    require_empty_body(request)
    sessions.require_recent_authentication(request)
    delete_account(user_id=sessions.current_session(request).user["id"])
    sessions.end_session(request)
    return HttpResponse(status=204)

"""What happened to an account, for its owner."""

from django.http import HttpResponse, JsonResponse
from django.views.decorators.http import require_GET

from auth_api.api_request import ApiRequest
from auth_api.security_log.events import list_events
from auth_api.sessions import services as sessions

from .presenters import event_shape


@require_GET
def security_events(request: ApiRequest) -> HttpResponse:
    user_id = sessions.current_session(request).user["id"]
    return JsonResponse({"items": [event_shape(event) for event in list_events(user_id)]})

"""The call that lists the security log of the user's own account."""

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from auth_api.api_request import ApiRequest
from auth_api.security_log.events import list_events
from auth_api.sessions import services as sessions

from .presenters import event_shape, with_session


@require_GET
def security_events(request: ApiRequest) -> HttpResponse:
    current = sessions.current_session(request)
    items = [event_shape(event) for event in list_events(current.user["id"])]
    return with_session(current, items=items)

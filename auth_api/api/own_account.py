"""Calls to export and delete the user's own account."""

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.http import HttpResponse, StreamingHttpResponse
from django.views.decorators.http import require_GET, require_http_methods

from auth_api.api_request import ApiRequest
from auth_api.security_log.events import all_events
from auth_api.security_log.kinds import Kind
from auth_api.security_log.recording import record_event
from auth_api.sessions import services as sessions
from auth_api.users.factors.demands import require_no_hold, require_sudo
from auth_api.users.flows.own_data import delete_account, export_account

from .forms import require_empty_body
from .presenters import event_shape, listed_shape

_BATCH = 1000  # events in memory at a time


@require_GET
def export(request: ApiRequest) -> StreamingHttpResponse:
    """Return one JSON document of any length; a truncated answer is not valid JSON."""
    require_sudo(request)
    user_id = sessions.current_session(request).user["id"]
    require_no_hold(user_id)
    record_event(Kind.EXPORTED, user_id)
    own: dict[str, Any] = export_account(user_id=user_id)
    own["sessions"] = [listed_shape(summary) for summary in sessions.list_sessions(request)]
    return StreamingHttpResponse(_document(own, user_id), content_type="application/json")


def _document(own: dict[str, Any], user_id: str) -> Iterator[str]:
    """Yield `own` and the events, which are read from the database while they are sent."""
    yield json.dumps(own)[:-1] + ', "security_events": ['
    events = all_events(user_id).iterator(chunk_size=_BATCH)
    comma = ""
    while batch := [json.dumps(event_shape(event)) for event in islice(events, _BATCH)]:
        yield comma + ",\n".join(batch)
        comma = ",\n"
    yield "]}\n"


@require_http_methods(["DELETE"])
def account(request: ApiRequest) -> HttpResponse:
    require_empty_body(request)
    require_sudo(request)
    user_id = sessions.current_session(request).user["id"]
    require_no_hold(user_id)
    delete_account(user_id=user_id)
    sessions.leave_ended_session(request)
    return HttpResponse(status=204)

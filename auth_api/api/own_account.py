"""Calls to rename, export and delete the user's own account."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from auth_api.api_request import ApiRequest
from auth_api.security_log.events import all_events
from auth_api.security_log.kinds import Kind
from auth_api.security_log.recording import record_event
from auth_api.sessions import services as sessions
from auth_api.times import in_utc
from auth_api.users.factors.demands import require_no_hold, require_sudo
from auth_api.users.flows.deletion import keep_account, request_deletion
from auth_api.users.flows.name import change_name
from auth_api.users.flows.own_data import export_account

from .accounts import AddressForm, TokenForm
from .forms import read_form
from .presenters import event_shape, listed_shape

_BATCH = 1000  # events in memory at a time


@dataclass(frozen=True)
class NameForm:
    name: str = field(metadata={"longest": 150})


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


@require_http_methods(["PATCH", "DELETE"])
def account(request: ApiRequest) -> HttpResponse:
    return _change(request) if request.method == "PATCH" else _delete(request)


def _change(request: ApiRequest) -> HttpResponse:
    sessions.current_session(request)  # before the body is judged
    change_name(request=request, name=read_form(request, NameForm).name)
    return HttpResponse(status=204)


def _delete(request: ApiRequest) -> HttpResponse:
    require_sudo(request)
    require_no_hold(sessions.current_session(request).user["id"])
    deletes_at = request_deletion(request=request, email=read_form(request, AddressForm).email)
    sessions.leave_ended_session(request)
    if deletes_at is None:
        return HttpResponse(status=204)
    return JsonResponse({"deletes_at": in_utc(deletes_at)}, status=202)


@require_POST
def keep(request: ApiRequest) -> HttpResponse:
    """Needs only the token, from a mail or a sign-in, so it works without a session."""
    keep_account(token=read_form(request, TokenForm).token)
    return JsonResponse({"detail": "Your account will be kept. Sign in to use it."})

"""The call by which the site changes what it keeps in the user's session."""

from dataclasses import dataclass, field
from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from auth_api.api_request import ApiRequest
from auth_api.errors import InvalidRequest
from auth_api.sessions import services as sessions
from auth_api.sessions.site_data import SiteChange

from .forms import read_form


@dataclass(frozen=True)
class ChangeForm:
    """Keys with their new values, and keys to delete."""

    changed: dict[str, Any] = field(repr=False)
    deleted: list[str] = field(repr=False)


@require_http_methods(["PATCH"])
def change(request: ApiRequest) -> HttpResponse:
    form = read_form(request, ChangeForm)
    if not all(isinstance(key, str) for key in form.deleted):
        raise InvalidRequest({"deleted": ["Must be an array of strings."]})
    try:
        sessions.change_site_data(request, SiteChange(form.changed, form.deleted))
    except TypeError as error:
        raise InvalidRequest({"changed": [f"Cannot be stored: {error}."]}) from None
    return HttpResponse(status=204)

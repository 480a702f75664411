"""The page about how the user signs in: with which password and which second factors."""

from typing import Any

from django.http import HttpResponse

from frontend_site.backend.answer import as_agreed
from frontend_site.backend.client import Answer
from frontend_site.pages.backend_calls import ask
from frontend_site.pages.rendering import render
from frontend_site.security.endpoints import page
from frontend_site.site_request import SiteRequest


@page("GET", session="own-call")
def security(request: SiteRequest) -> HttpResponse:
    return render(request, "account/security.html", _counted(ask(request, "factors")))


def _counted(answer: Answer) -> dict[str, Any]:
    with as_agreed("a list of factors"):
        apps, left = len(answer.document["items"]), int(answer.document["recovery_codes_left"])
    return {"apps": apps, "codes_left": left}

"""Renders templates into responses, and redirects to the login page."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import get_template

from frontend_site.backend.relay import CLEAR_SITE_DATA

HTML = "text/html; charset=utf-8"


def render(
    request: HttpRequest, template: str, context: dict[str, Any] | None = None, *, status: int = 200
) -> HttpResponse:
    """As Django's shortcut, which looks for the charset of each page three times."""
    html = get_template(template).render(context, request)
    return HttpResponse(html.encode(), content_type=HTML, status=status)


def signed_out(notice: str) -> HttpResponse:
    """Redirect to the login page with `notice`, and clear what this site has stored in the browser."""
    response = HttpResponseRedirect(f"/login?notice={notice}")
    response["Clear-Site-Data"] = CLEAR_SITE_DATA
    return response

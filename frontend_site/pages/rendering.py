"""Renders templates into responses."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.loader import get_template

HTML = "text/html; charset=utf-8"


def render(
    request: HttpRequest, template: str, context: dict[str, Any] | None = None, *, status: int = 200
) -> HttpResponse:
    """As Django's shortcut, which looks for the charset of each page three times."""
    html = get_template(template).render(context, request)
    return HttpResponse(html.encode(), content_type=HTML, status=status)

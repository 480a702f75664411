"""Converts exceptions of views to responses (frontend_site.problems)."""

from collections.abc import Callable

from django.http import HttpResponseBase

from frontend_site import problems
from frontend_site.site_request import SiteRequest


class ProblemMiddleware:
    """Serves errors of views only: one that a middleware raises reaches no other middleware."""

    def __init__(self, get_response: Callable[[SiteRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: SiteRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: SiteRequest, error: Exception) -> HttpResponseBase | None:
        return problems.respond_to_error(request, error)

"""Converts exceptions of views to responses (frontend_site.problems)."""

from django.http import HttpResponseBase

from frontend_site import problems
from frontend_site.site_request import SiteRequest

from .view_hooks import ViewHooks


class ProblemMiddleware(ViewHooks):
    """Serves errors of views only: one that a middleware raises reaches no other middleware."""

    def process_exception(self, request: SiteRequest, error: Exception) -> HttpResponseBase | None:
        return problems.respond_to_error(request, error)

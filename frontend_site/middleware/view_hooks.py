"""The base of middleware that acts only around views."""

from collections.abc import Callable

from django.http import HttpResponseBase

from frontend_site.site_request import SiteRequest


class ViewHooks:
    """Passes requests and responses through; a subclass has `process_view` or `process_exception`."""

    def __init__(self, get_response: Callable[[SiteRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: SiteRequest) -> HttpResponseBase:
        """Return the response of the next middleware."""
        return self.get_response(request)

"""A middleware that reads the user before the view is resolved, as many do."""

from collections.abc import Callable

from django.http import HttpResponseBase

from frontend_site.site_request import SiteRequest


class NameInHeader:
    def __init__(self, get_response: Callable[[SiteRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: SiteRequest) -> HttpResponseBase:
        email = request.user.email
        response = self.get_response(request)
        response.headers["X-Email"] = f"{email}, {request.user.email}"
        return response

"""Our two cookies, read strictly; and the gate that asks for one of them."""

from collections.abc import Callable
from typing import Any

import structlog
from django.http import HttpResponseBase, HttpResponseRedirect
from django.utils.cache import patch_vary_headers

from frontend_site import problems
from frontend_site.caller import client_address
from frontend_site.cookies import (
    CSRF_COOKIE,
    SESSION_COOKIE,
    DuplicateCookie,
    SessionToken,
    add_set_cookie,
    read_cookie,
)
from frontend_site.endpoints import View, kind_of
from frontend_site.headers import set_header
from frontend_site.http import SiteRequest
from frontend_site.next import login_url
from frontend_site.pages.rendering import HTML

_log = structlog.get_logger("frontend_site")


class SessionCookieMiddleware:
    """Reads our cookies; passes auth_api's Set-Cookie lines on. The one place for both."""

    def __init__(self, get_response: Callable[[SiteRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: SiteRequest) -> HttpResponseBase:
        header = request.META.get("HTTP_COOKIE", "")
        request.auth_cookies = []
        request.session_token = None
        try:
            request.session_token = SessionToken.parse(read_cookie(header, SESSION_COOKIE))
            request.csrf_cookie = read_cookie(header, CSRF_COOKIE)
        except DuplicateCookie as error:
            _log.warning("cookie.duplicate", name_of=str(error), address=client_address(request))
            return problems.respond(request, problems.DUPLICATE_COOKIE)
        response = self.get_response(request)
        # Also with a 503: what auth_api did answer before an outage stands, and after a renewal the
        # old token is dead. relay_cookies takes nothing from an answer that is unknown.
        for line in request.auth_cookies:
            add_set_cookie(response, line)
        if "Vary" in response.headers:
            patch_vary_headers(response, ("Cookie",))
        else:
            set_header(response, "Vary", "Cookie")
        return response


class SessionCookieRequiredMiddleware:
    """Without a session cookie a protected view is not even asked. Views are protected by default.

    Only presence is checked here: whether the session is valid, auth_api alone decides.
    """

    def __init__(self, get_response: Callable[[SiteRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: SiteRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: SiteRequest, view: View, args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        if request.session_token or not getattr(view, "login_required", True):
            return None
        if kind_of(view) in ("json", "upstream"):
            return problems.respond(request, problems.NO_SESSION)
        # A form cannot be sent again by a GET: come back to its page, not to its target.
        return HttpResponseRedirect(login_url(request), content_type=HTML)

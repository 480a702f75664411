"""Reads the session and CSRF cookies strictly, and requires the session cookie for protected views."""

from collections.abc import Callable

import structlog
from django.http import HttpResponseBase
from django.utils.cache import patch_vary_headers

from frontend_site import problems
from frontend_site.backend.caller import client_address
from frontend_site.security.endpoints import View, is_public
from frontend_site.session_token import SessionToken
from frontend_site.set_cookies import add_set_cookie
from frontend_site.site_request import SiteRequest
from gatehouse.cookies import CSRF_COOKIE, SESSION_COOKIE, DuplicateCookie, read_cookie

from .view_hooks import ViewHooks

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
            response.headers["Vary"] = "Cookie"
        return response


class SessionCookieRequiredMiddleware(ViewHooks):
    """The first gate: refuses a request for a protected view without a session cookie, at no cost.

    It checks only that the cookie is present. The last gate (middleware/valid_session.py) asks
    auth_api whether the session is valid.
    """

    def process_view(
        self, request: SiteRequest, view: View, args: object, kwargs: object
    ) -> HttpResponseBase | None:
        if request.session_token or is_public(view):
            return None
        return problems.ask_to_sign_in(request, problems.NO_SESSION)

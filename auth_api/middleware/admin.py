"""Runs Django's own middleware for the admin only."""

from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware

from auth_api.problems import problem_response
from auth_api.sessions.exceptions import SessionError
from auth_api.users.factors.demands import lacks_second_factor
from gatehouse.cookies import DuplicateCookie, read_cookie

from .request_context import ADMIN_PREFIX, Handler

_MEND = (
    "a TLS proxy is in front of the admin: set AUTH_API_PROXY_HOPS=1, let the proxy send Host, X-Forwarded-For "
    "and X-Forwarded-Proto, and add its host name to AUTH_API_HOSTS"
)
_log = structlog.get_logger("auth_api")


def _is_untrusted_https(request: HttpRequest) -> bool:
    """Whether the browser speaks https to a proxy of which the settings do not know."""
    origin = request.META.get("HTTP_ORIGIN", "")
    return not request.is_secure() and origin.startswith("https://")


class _ForAdmin:
    """What the admin alone needs: /v1/ passes by."""

    get_response: Handler

    def __call__(self, request: Any) -> Any:
        return self.get_response(request) if request.is_api else super().__call__(request)  # type: ignore[misc]


class AdminAuthenticationMiddleware(_ForAdmin, AuthenticationMiddleware):
    """Django's `request.user`, whose session has the second factor that the user needs.

    The session may be older than the factor, or than the setting. It is ended then, and the admin asks to log in.
    """

    def process_request(self, request: Any) -> HttpResponse | None:  # type: ignore[override]
        super().process_request(request)
        if not request.path_info.startswith(ADMIN_PREFIX):
            return None
        try:
            if request.user.is_authenticated and lacks_second_factor(request, request.user):
                logout(request)
        except (SessionError, DatabaseError) as error:  # unknown: answered by no view's middleware
            return problem_response(request, error)
        return None


class AdminMessageMiddleware(_ForAdmin, MessageMiddleware):
    """Django's messages."""


class AdminCsrfViewMiddleware(_ForAdmin, CsrfViewMiddleware):
    """Django's CSRF check, for the admin alone: /v1/ has no browser, only the BFF's token.

    The cookie is read by our strict rule first: Django's parser takes a tossed look-alike for it.
    """

    def process_request(self, request: HttpRequest) -> HttpResponse | None:  # type: ignore[override]
        if not request.path_info.startswith(ADMIN_PREFIX):
            return None
        name, header = settings.CSRF_COOKIE_NAME, request.META.get("HTTP_COOKIE", "")
        try:
            value = read_cookie(header, name)
        except DuplicateCookie as error:
            return problem_response(request, error)
        request.COOKIES.pop(name, None)
        if value is not None:
            request.COOKIES[name] = value
        super().process_request(request)
        return None

    def process_view(self, request: HttpRequest, *rest: Any) -> Any:
        if not request.path_info.startswith(ADMIN_PREFIX):
            return None
        refusal = super().process_view(request, *rest)
        if refusal is not None and _is_untrusted_https(request):
            _log.error("admin.form_refused", mend=_MEND)
        return refusal

    def process_response(self, request: HttpRequest, response: Any) -> Any:
        if request.path_info.startswith(ADMIN_PREFIX):
            return super().process_response(request, response)
        return response

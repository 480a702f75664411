"""The last gate: a protected view runs only after auth_api has called the session valid."""

from collections.abc import Callable
from functools import partial
from typing import Any

import structlog
from django.http import HttpResponseBase

from frontend_site import problems
from frontend_site.auth_client import AuthApiUnavailable
from frontend_site.endpoints import View, is_public, session_of
from frontend_site.errors import SignInRequired
from frontend_site.http import SiteRequest
from frontend_site.session_check import SessionCheck, auser_of, user_of

_log = structlog.get_logger("frontend_site")


class ValidSessionMiddleware:
    """Innermost: the free gates come first, and a password given again is proof enough.

    Sets `request.user` (and `request.auser` for async views). A view that makes a call of its own
    (`session="own-call"`) is not asked for; it is held to it by its answer.
    """

    def __init__(self, get_response: Callable[[SiteRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: SiteRequest) -> HttpResponseBase:
        request.session_check = SessionCheck(partial(user_of, request))
        request.user = request.session_check.lazy_user()
        request.auser = partial(auser_of, request)
        response = self.get_response(request)
        if request.session_check.expected and not _is_proven(request, response):
            return _withheld(request, response)
        return response

    def process_view(
        self, request: SiteRequest, view: View, args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        if is_public(view):
            return None
        if session_of(view) == "own-call":
            request.session_check.expected = True
            return None
        try:
            request.user = user_of(request)
            if not request.user.is_authenticated:
                raise SignInRequired("session-ended")
        except (AuthApiUnavailable, SignInRequired) as error:
            return problems.respond_to_error(request, error)
        return None


def _is_proven(request: SiteRequest, response: HttpResponseBase) -> bool:
    """Whether a call was made that allows this answer: errors are free, so is the way to sign in."""
    check = request.session_check
    return response.status_code >= 400 or check.valid or (check.over and "Location" in response)


def _withheld(request: SiteRequest, response: HttpResponseBase) -> HttpResponseBase:
    match: Any = request.resolver_match
    _log.error(
        "session.not_validated",
        view=match.view_name,
        hint='The view declares session="own-call" but made no such call. Remove the declaration.',
    )
    response.close()
    return problems.respond(request, problems.INTERNAL_ERROR)

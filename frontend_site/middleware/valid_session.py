"""Runs a protected view only after auth_api has confirmed the session."""

from collections.abc import Callable
from functools import partial
from typing import Any

import structlog
from django.http import HttpResponseBase

from frontend_site import problems, step_up
from frontend_site.backend.client import AuthApiUnavailable
from frontend_site.backend.session_check import SessionCheck, user_of
from frontend_site.backend.site_session import SiteSession
from frontend_site.errors import SignInRequired
from frontend_site.security.endpoints import View, demand_of, is_public, session_of
from frontend_site.security.levels import StepUpRequired
from frontend_site.site_request import SiteRequest

_log = structlog.get_logger("frontend_site")


class ValidSessionMiddleware:
    """Innermost: gates without a call come first, and a re-authentication is sufficient proof.

    Sets `request.user` and `request.session`, which it stores after the view, and after the middleware inside, if
    it was changed. For a view that makes its own call (`session="own-call"`), it makes none, and withholds the
    answer if the view made none either.
    """

    def __init__(self, get_response: Callable[[SiteRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: SiteRequest) -> HttpResponseBase:
        request.session_check = SessionCheck(partial(user_of, request))
        request.user = request.session_check.lazy_user()
        request.session = SiteSession(request)
        response = self.get_response(request)
        if request.session_check.expected and not _is_proven(request, response):
            return _withheld(request, response)
        if request.session.accessed and response.status_code < 500:
            return _with_session_stored(request, response)
        return response

    def process_view(
        self, request: SiteRequest, view: View, args: object, kwargs: object
    ) -> HttpResponseBase | None:
        if is_public(view):
            return None
        demand = demand_of(view)
        if session_of(view) == "own-call" and demand is None:
            request.session_check.expected = True
            return None
        return session_refusal(request, view)

    def process_exception(self, request: SiteRequest, error: Exception) -> HttpResponseBase | None:
        """Ask again for a view whose mark `process_view` could not see; an outage is a 503 as elsewhere."""
        if isinstance(error, StepUpRequired):
            return step_up.ask_again(request, error.demand, request.user.assurance)
        return None


def session_refusal(request: SiteRequest, view: View) -> HttpResponseBase | None:
    """Return the refusal if the session does not open the protected `view`; None if it does. Sets `request.user`."""
    demand = demand_of(view)
    try:
        request.user = user_of(request)
        if not request.user.is_authenticated:
            raise SignInRequired("session-ended")
        if demand is not None and not request.user.meets(demand):
            return step_up.ask_again(request, demand, request.user.assurance)
    except (AuthApiUnavailable, SignInRequired) as error:
        return problems.respond_to_error(request, error)
    return None


def _is_proven(request: SiteRequest, response: HttpResponseBase) -> bool:
    """Whether a call allows this answer. Errors and redirects to the login page are always allowed."""
    check = request.session_check
    return response.status_code >= 400 or check.valid or (check.over and "Location" in response)


def _with_session_stored(request: SiteRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Return `response` if the session's data are stored, or what says that they are not."""
    try:
        request.session.save()
    except Exception as error:
        response.close()
        answer = problems.respond_to_error(request, error)
        if answer is None:  # data that cannot be stored are a fault of the view
            raise
        return answer
    return response


def _withheld(request: SiteRequest, response: HttpResponseBase) -> HttpResponseBase:
    match: Any = request.resolver_match
    _log.error(
        "session.not_validated",
        view=match.view_name,
        hint='The view declares session="own-call" but made no such call. Remove the declaration.',
    )
    response.close()
    return problems.respond(request, problems.INTERNAL_ERROR)

"""Reads bodies with files, and long ones, after the session check; then checks the token of a form."""

import time

from django.core.exceptions import RequestDataTooBig
from django.http import HttpResponseBase, UnreadablePostError

from frontend_site import problems
from frontend_site.connections.body import TimedBody
from frontend_site.options import options
from frontend_site.security.bodies import MULTIPART, is_late, media_type
from frontend_site.security.endpoints import View, is_public, kind_of, session_of
from frontend_site.site_request import SiteRequest

from .csrf import check_token
from .request_shape import read_body
from .valid_session import session_refusal
from .view_hooks import ViewHooks

_SAFE = frozenset({"GET", "HEAD"})
_FRESH = 10.0  # seconds: a body may take hours, and the session may end meanwhile


class LateBodyMiddleware(ViewHooks):
    """Innermost, in a site with apps: nobody without a valid session makes this site store megabytes.

    Files go to Django's upload handlers, the larger ones to disk. The origin of the request was checked
    before (middleware/csrf.py). After a slow body, the session is checked again: a user who is signed out
    while the body arrives must not change anything with it.
    """

    def process_view(
        self, request: SiteRequest, view: View, args: object, kwargs: object
    ) -> HttpResponseBase | None:
        kind = kind_of(view, request.path_info)
        if request.method in _SAFE or kind == "upstream" or not is_late(request):
            return None
        if kind == "webhook" or is_public(view):
            return _read(request) or (None if kind == "webhook" else check_token(request))
        if session_of(view) == "own-call" and (refusal := session_refusal(request, view)):
            return refusal  # the view's own call would be made too late
        _allow_for_a_slow_line(request)
        began = time.monotonic()
        if refusal := _read(request):
            return refusal
        if time.monotonic() - began > _FRESH:
            request.session_check.forget()
            if refusal := session_refusal(request, view):
                return refusal
        return check_token(request)


def _allow_for_a_slow_line(request: SiteRequest) -> None:
    """Allow the body as much time as one to an upstream. Strangers have the few seconds of every other body."""
    body = request.META["wsgi.input"]
    if isinstance(body, TimedBody):
        body.pace.may_be_long(options().upstream_silence)


def _read(request: SiteRequest) -> HttpResponseBase | None:
    return _read_files(request) if media_type(request) == MULTIPART else read_body(request)


def _read_files(request: SiteRequest) -> HttpResponseBase | None:
    try:
        request.POST  # noqa: B018 - parses the body
    except UnreadablePostError as error:
        return problems.unreadable(request, error)
    except RequestDataTooBig:
        return problems.respond(request, problems.PAYLOAD_TOO_LARGE)
    return None

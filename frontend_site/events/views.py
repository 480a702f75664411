"""GET /api/auth/events."""

import time

from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse

from frontend_site import problems
from frontend_site.backend.answer import spread
from frontend_site.backend.client import Answer, AuthApiUnavailable
from frontend_site.backend.session_check import call_auth_api
from frontend_site.options import options
from frontend_site.pages.times import moment
from frontend_site.proxy.headers import browser_response
from frontend_site.security.endpoints import endpoint
from frontend_site.site_request import SiteRequest

from .hub import TooManyStreams, Waiter, hub
from .sockets import BrowserSocket
from .stream import PageStream

_TYPE = "text/event-stream"


@endpoint("GET", session="own-call")
def events(request: SiteRequest) -> HttpResponseBase:
    """A stream that says `check` when the session of this browser may be over; nothing else.

    The session is checked once, without counting as use.
    """
    if request.method == "HEAD":
        answer = call_auth_api(request, "session-peek")
        if answer.status == 200:
            return HttpResponse(content_type=_TYPE)
        return browser_response(answer)
    token = request.session_token
    hub().wait_for_link(options().connect_timeout)
    try:
        waiter = hub().join(token.ref if token else "")
    except TooManyStreams:
        return problems.respond(
            request, problems.OVERLOADED, headers={"Retry-After": str(spread(30))}
        )
    try:
        answer = call_auth_api(request, "session-peek")
        if answer.status == 200:
            return _stream(request, waiter, answer)
    except BaseException:
        hub().leave(waiter)
        raise
    hub().leave(waiter)
    # No cookie is relayed: this answer may be older than a sign-in of another tab.
    return browser_response(answer)


def _stream(request: SiteRequest, waiter: Waiter, answer: Answer) -> StreamingHttpResponse:
    try:
        session = answer.document["session"]
        hub().admit(waiter, str(session["handle"]))
        expires_at = min(
            moment(session[name]) for name in ("idle_expires_at", "absolute_expires_at")
        )
    except (KeyError, TypeError, ValueError) as error:
        raise AuthApiUnavailable("a session without its fields") from error
    body = PageStream(
        hub(),
        waiter,
        BrowserSocket(request.META),
        lifetime=options().stream_lifetime,
        expires_in=max(0.0, expires_at.timestamp() - time.time()) + 1,
        heartbeat=options().stream_heartbeat,
    )
    response = StreamingHttpResponse(body, content_type=_TYPE)
    response["X-Accel-Buffering"] = "no"  # nginx would hold it back
    return response

"""The view for `/api/<name>/...`: forwards a signed-in user's request to that upstream."""

import structlog
from django.http import HttpResponseBase

from frontend_site import problems, step_up
from frontend_site.backend.answer import spread
from frontend_site.backend.caller import caller_of
from frontend_site.backend.client import Answer, AuthApiUnavailable, auth_api
from frontend_site.backend.relay import relay_cookies
from frontend_site.backend.session_check import call_auth_api
from frontend_site.backend.users import SiteUser
from frontend_site.events.hub import TooManyStreams
from frontend_site.options import options
from frontend_site.proxy.headers import browser_response
from frontend_site.security.access import level_to_open
from frontend_site.security.endpoints import upstream_endpoint
from frontend_site.security.levels import Demand, highest
from frontend_site.security.origin import handshake_refusal
from frontend_site.settings.upstreams import Upstream
from frontend_site.site_request import SiteRequest

from .body import BodyTooLong, BodyTooSlow, ClientGone
from .handshake import BadHandshake, is_handshake
from .opening import Opening, TooManyOfUser
from .proxy import RedirectRefused, UpstreamFailed, forward
from .target import BadTarget, destination_of, opened_paths, target_of

_FAILURES = {
    502: problems.BAD_GATEWAY,
    503: problems.UPSTREAM_BUSY,
    504: problems.GATEWAY_TIMEOUT,
}


# The others (DELETE, and those of WebDAV) may act on everything below the path.
_OF_ONE_PATH = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH"})
_log = structlog.get_logger("frontend_site")


@upstream_endpoint
def upstream(request: SiteRequest, name: str) -> HttpResponseBase:
    """Forward a call, or open a WebSocket."""
    found = next((u for u in options().upstreams if u.name == name), None)
    if found is None:
        return problems.respond(request, problems.NOT_FOUND)
    try:
        target = target_of(request, found)
        if "HTTP_DESTINATION" in request.META:
            destination_of(request, found)
    except BadTarget:
        return problems.respond(request, problems.BAD_REQUEST)
    if found.options.websocket and is_handshake(request):
        return _websocket(request, found, target)
    return _forwarded(request, found, target)


def _websocket(request: SiteRequest, upstream: Upstream, target: str) -> HttpResponseBase:
    """A browser can give no CSRF token with a handshake, so its Origin has to be this site."""
    if reason := handshake_refusal(request):
        _log.warning("csrf.refused", kind="websocket", reason=reason, path=request.path_info)
        return problems.respond(request, problems.CSRF_FAILED, reason=reason)
    try:
        with Opening(request, upstream, lambda: _is_valid(request, upstream)) as opening:
            return _forwarded(request, upstream, target, opening=opening)
    except BadHandshake:
        return problems.respond(request, problems.BAD_REQUEST)
    except TooManyStreams:
        problem = problems.UPSTREAM_BUSY
    except TooManyOfUser:
        problem = problems.TOO_MANY_WEBSOCKETS
    return problems.respond(request, problem, headers={"Retry-After": str(spread(30))})


def _forwarded(
    request: SiteRequest, upstream: Upstream, target: str, *, opening: Opening | None = None
) -> HttpResponseBase:
    """One internal call says who is signed in and gives the proof of it for this upstream."""
    answer = call_auth_api(
        request, "identity", audience=upstream.name, claims=upstream.options.claims
    )
    if answer.status >= 500:
        raise AuthApiUnavailable(f"identity: {answer.status}", retry_after=answer.retry_after)
    relay_cookies(request, answer)
    if answer.status != 200:
        return browser_response(answer)
    document, user = answer.document, SiteUser.of(answer)
    demand = _demand(request, upstream, user)
    if demand is None:
        return problems.respond(request, problems.refused())
    if not user.meets(demand):
        return step_up.ask_again(request, demand, user.assurance)
    handle = document["session"]["handle"]
    if opening is not None:
        opening.admit(handle)
    try:
        return forward(
            request,
            upstream,
            target,
            identity=document["token"],
            session=handle,
            still_valid=lambda: _is_still_valid(request, upstream),
            handshake=opening.handshake if opening else None,
        )
    except UpstreamFailed as error:
        headers = {"Retry-After": str(spread(2))} if error.status == 503 else {}
        return problems.respond(request, _FAILURES[error.status], headers=headers)
    except RedirectRefused:
        return problems.respond(request, problems.REDIRECT_REFUSED)
    except BodyTooLong:
        return problems.respond(request, problems.UPSTREAM_BODY_TOO_LONG)
    except BodyTooSlow:
        return problems.respond(request, problems.REQUEST_TIMEOUT)
    except ClientGone:
        return problems.respond(request, problems.BAD_REQUEST)


def _demand(request: SiteRequest, upstream: Upstream, user: SiteUser) -> Demand | None:
    """Return what the upstream and the access rules demand of the session of `user`, for this path and that of
    a Destination; None if they do not open it to the user.
    """
    tree = request.method not in _OF_ONE_PATH
    needed = [upstream.options.level]
    for path in opened_paths(request):
        level = level_to_open(path, user.groups, user_id=user.id or "", with_below=tree)
        if level is None:
            return None
        needed.append(level)
    return Demand(highest(needed))


def _is_still_valid(request: SiteRequest, upstream: Upstream) -> bool:
    """Like `_is_valid`; unknown is not "no"."""
    try:
        return _is_valid(request, upstream)
    except AuthApiUnavailable:
        return True


def _is_valid(request: SiteRequest, upstream: Upstream) -> bool:
    """Whether the session still lives, has the level, and its user still has access.

    Raises AuthApiUnavailable if nobody can tell. A level that ends by time alone is known to have ended.
    """
    try:
        answer = auth_api().call("session-peek", caller_of(request))
        if answer.status == 401:
            return False
        if not answer.tells_who:
            status = f"session-peek: {answer.status}"
            raise AuthApiUnavailable(status, retry_after=answer.retry_after)
    except AuthApiUnavailable:
        held = request.session_check.answer  # the last that said who it is
        if held is not None and held.tells_who and not _is_allowed(request, upstream, held):
            return False
        raise
    request.session_check.answer = answer
    return _is_allowed(request, upstream, answer)


def _is_allowed(request: SiteRequest, upstream: Upstream, answer: Answer) -> bool:
    user = SiteUser.of(answer)
    demand = _demand(request, upstream, user)
    return demand is not None and user.meets(demand)

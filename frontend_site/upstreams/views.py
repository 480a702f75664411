"""The view for `/api/<name>/...`: forwards a signed-in user's request to that upstream."""

from django.http import HttpResponseBase

from frontend_site import problems
from frontend_site.backend.answer import spread
from frontend_site.backend.caller import caller_of
from frontend_site.backend.client import Answer, AuthApiUnavailable, auth_api
from frontend_site.backend.relay import relay_cookies
from frontend_site.backend.session_check import call_auth_api
from frontend_site.backend.users import groups_of
from frontend_site.options import options
from frontend_site.proxy.headers import browser_response
from frontend_site.security.access import may_open
from frontend_site.security.endpoints import upstream_endpoint
from frontend_site.site_request import SiteRequest

from .body import BodyTooLong, BodyTooSlow, ClientGone
from .proxy import RedirectRefused, UpstreamFailed, forward
from .target import BadTarget, destination_of, opened_paths, target_of

_FAILURES = {
    502: problems.BAD_GATEWAY,
    503: problems.UPSTREAM_BUSY,
    504: problems.GATEWAY_TIMEOUT,
}


@upstream_endpoint
def upstream(request: SiteRequest, name: str) -> HttpResponseBase:
    """One internal call says who is signed in and gives the proof of it for this upstream."""
    found = next((u for u in options().upstreams if u.name == name), None)
    if found is None:
        return problems.respond(request, problems.NOT_FOUND)
    try:
        target = target_of(request, found)
        destination_of(request, found)
    except BadTarget:
        return problems.respond(request, problems.BAD_REQUEST)
    answer = call_auth_api(request, "identity", audience=name, claims=found.claims)
    if answer.status >= 500:
        raise AuthApiUnavailable(f"identity: {answer.status}", retry_after=answer.retry_after)
    relay_cookies(request, answer)
    if answer.status != 200:
        return browser_response(answer)
    document = answer.document
    if not _is_allowed(request, answer):
        return problems.respond(request, problems.refused())
    try:
        return forward(
            request,
            found,
            target,
            identity=document["token"],
            session=document["session"]["handle"],
            still_valid=lambda: _is_valid(request),
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


def _is_allowed(request: SiteRequest, answer: Answer) -> bool:
    """Whether the access rules open this path, and that of a Destination, to the user in `answer`."""
    user = answer.document["user"]
    groups = groups_of(user)
    return all(may_open(path, groups, user_id=user["id"]) for path in opened_paths(request))


def _is_valid(request: SiteRequest) -> bool:
    """Whether the session still lives, and its user still has access; unknown is not "no"."""
    try:
        answer = auth_api().call("session-peek", caller_of(request))
    except AuthApiUnavailable:
        return True
    return answer.status != 401 and (not answer.tells_who or _is_allowed(request, answer))

"""The calls that pages make for whoever is at the browser."""

import json
from typing import Any

from frontend_site.auth_client import Answer, AuthApiUnavailable, auth_api
from frontend_site.caller import caller_of
from frontend_site.errors import ReauthenticationRequired, SignInRequired
from frontend_site.http import SiteRequest
from frontend_site.relay import relay_cookies

from .profile import Profile

_JSON = "application/json"
SIGNED_OUT = frozenset({"no-session", "session-ended"})


def ask(
    request: SiteRequest, route: str, body: dict[str, Any] | None = None, *, handle: str = ""
) -> Answer:
    """Make one call for somebody signed in; return its success, or a 4xx that the view answers to.

    Its cookies are relayed. `body` goes as JSON. Raises SignInRequired (no session, or an ended
    one), ReauthenticationRequired (docs/reauthentication.md), AuthApiUnavailable (unknown, not no).
    """
    answer = auth_api().call(
        route,
        caller_of(request),
        body=b"" if body is None else json.dumps(body).encode(),
        content_type="" if body is None else _JSON,
        handle=handle,
    )
    if answer.status >= 500:
        raise AuthApiUnavailable(f"{route}: {answer.status}", retry_after=answer.retry_after)
    relay_cookies(request, answer)
    if answer.status == 401 and answer.slug in SIGNED_OUT:
        raise SignInRequired("session-ended")
    if answer.slug == "reauthentication-required":
        raise ReauthenticationRequired
    return answer


def call_or_503(request: SiteRequest, route: str, body: bytes) -> Answer:
    """Like the client's call; an outage becomes a 503 answer, so that the form can be kept."""
    try:
        return auth_api().call(route, caller_of(request), body=body, content_type=_JSON)
    except AuthApiUnavailable as error:
        return Answer(503, b"", {"retry-after": str(error.retry_after)})


def required_profile(request: SiteRequest) -> Profile:
    """Return who is signed in, by one call. Raises SignInRequired, AuthApiUnavailable."""
    answer = ask(request, "session")
    if answer.status != 200:
        raise AuthApiUnavailable(f"session: {answer.status}")
    return Profile.of(answer)


def current_profile(request: SiteRequest) -> Profile | None:
    """Like required_profile, for pages that do without: looks, and does not count as use."""
    answer = auth_api().call("session-peek", caller_of(request))
    if answer.status not in (200, 401):
        raise AuthApiUnavailable(f"session: {answer.status}", retry_after=answer.retry_after)
    relay_cookies(request, answer)
    return Profile.of(answer) if answer.status == 200 else None

"""Calls auth_api for the pages, on behalf of the browser's user."""

import json
from typing import Any

from frontend_site.backend.client import Answer, AuthApiUnavailable, HostRefused
from frontend_site.backend.relay import relay_cookies
from frontend_site.backend.session_check import PASSWORD_CHANGED, SIGNED_OUT, ask_who, call_auth_api
from frontend_site.errors import ReauthenticationRequired, RecoveryHold, SignInRequired
from frontend_site.pages.profile import Profile
from frontend_site.site_request import SiteRequest

_JSON = "application/json"


def ask(
    request: SiteRequest, route: str, body: dict[str, Any] | None = None, *, handle: str = ""
) -> Answer:
    """Make one call for a signed-in user; return its success, or a 4xx that the view handles.

    Its cookies are relayed. `body` goes as JSON. Raises SignInRequired (no session, or an ended
    one), RecoveryHold, ReauthenticationRequired (docs/explanation/reauthentication.md), AuthApiUnavailable (unknown, not no).
    """
    answer = call_auth_api(
        request,
        route,
        body=b"" if body is None else json.dumps(body).encode(),
        content_type="" if body is None else _JSON,
        handle=handle,
    )
    if answer.status >= 500:
        raise AuthApiUnavailable(f"{route}: {answer.status}", retry_after=answer.retry_after)
    relay_cookies(request, answer)
    if answer.status == 401 and answer.slug in SIGNED_OUT:
        changed = answer.slug == PASSWORD_CHANGED
        raise SignInRequired(PASSWORD_CHANGED if changed else "session-ended")
    if answer.slug == "reauthentication-required":
        raise ReauthenticationRequired
    if answer.slug == "step-up-required":
        raise ReauthenticationRequired(by_code=True)
    if answer.slug == "recovery-hold":
        raise RecoveryHold
    return answer


def call_or_503(request: SiteRequest, route: str, body: bytes) -> Answer:
    """Like the client's call; an outage becomes a 503 answer, so that the form can be kept.

    Raises HostRefused, which is no outage.
    """
    try:
        return call_auth_api(request, route, body=body, content_type=_JSON)
    except HostRefused:
        raise
    except AuthApiUnavailable as error:
        return Answer(503, b"", {"retry-after": str(error.retry_after)})


def required_profile(request: SiteRequest) -> Profile:
    """Return who is signed in, and since when; makes a call only if this is not known yet.

    Raises SignInRequired, AuthApiUnavailable.
    """
    answer = ask_who(request, "page-session")
    if answer.status != 200:
        raise SignInRequired("session-ended")
    return Profile.of(answer)


def current_profile(request: SiteRequest) -> Profile | None:
    """Like required_profile, for pages that do without: looks, and does not count as use."""
    answer = ask_who(request, "page-session-peek")
    return Profile.of(answer) if answer.status == 200 else None

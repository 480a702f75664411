"""What auth_api says of this request's session: asked at most once, remembered in the request."""

from collections.abc import Callable
from dataclasses import dataclass

from asgiref.sync import sync_to_async
from django.urls import Resolver404, resolve
from django.utils.functional import SimpleLazyObject

from .auth_client import NEEDS_SESSION, Answer, AuthApiUnavailable, auth_api
from .caller import caller_of
from .endpoints import session_of
from .http import SiteRequest
from .relay import relay_cookies
from .users import NOBODY, SiteUser

SIGNED_OUT = frozenset({"no-session", "session-ended"})


@dataclass
class SessionCheck:
    """What is known so far; one for each request."""

    ask_user: Callable[[], SiteUser]  # who is signed in, from here or by a call
    answer: Answer | None = None  # who is signed in (200), or that the session is over (401)
    failure: AuthApiUnavailable | None = None  # nobody could tell
    valid: bool = False  # a call found the session valid
    over: bool = False  # a call found none, or an ended one
    expected: bool = False  # the view said that a call of its own would tell

    def start_again(self, answer: Answer) -> None:
        """Forget whose the old session was; `answer` may say whose the new one is."""
        self.answer = answer if answer.tells_who else None
        self.failure = None

    def lazy_user(self) -> SiteUser:
        """Return what becomes the user when it is looked at: as Django's `request.user`."""
        lazy: SiteUser = SimpleLazyObject(self.ask_user)  # type: ignore[assignment]
        return lazy


def call_auth_api(
    request: SiteRequest,
    route: str,
    *,
    body: bytes = b"",
    content_type: str = "",
    handle: str = "",
    audience: str = "",
) -> Answer:
    """Make one call for whoever is at the browser; remember what it says of their session.

    The one way for views, since the gate believes what went through here. No cookie is relayed.
    Raises AuthApiUnavailable.
    """
    answer = auth_api().call(
        route,
        caller_of(request),
        body=body,
        content_type=content_type,
        handle=handle,
        audience=audience,
    )
    check = request.session_check
    if answer.status == 401 and answer.slug in SIGNED_OUT:
        check.answer, check.over = answer, True
    elif answer.status < 400:
        check.valid = check.valid or route in NEEDS_SESSION
        if answer.tells_who:
            check.answer = answer
    return answer


def ask_who(request: SiteRequest, route: str, *, relay: bool = True) -> Answer:
    """Return who is signed in (200), or that the session is over (401), by at most one call.

    `route` is how to ask when nothing is known yet; `relay`: whether that call may change cookies.
    Raises AuthApiUnavailable, again when it is asked again.
    """
    check = request.session_check
    if check.failure:
        raise check.failure
    if check.answer:
        return check.answer
    try:
        answer = call_auth_api(request, route)
        if check.answer is None:  # neither of the two
            raise AuthApiUnavailable(f"{route}: {answer.status}", retry_after=answer.retry_after)
    except AuthApiUnavailable as error:
        check.failure = error
        raise
    if relay:
        relay_cookies(request, answer)
    return answer


def user_of(request: SiteRequest) -> SiteUser:
    """Return who is signed in, or NOBODY; without a cookie at no cost.

    It counts as use of the session where the view does. Where it does not, no cookie is changed
    either: the answer may be older than a sign-in of another tab. Raises AuthApiUnavailable.
    """
    if request.session_token is None:
        return NOBODY
    is_use = _counts_as_use(request)
    answer = ask_who(request, "session" if is_use else "session-peek", relay=is_use)
    return SiteUser.of(answer) if answer.status == 200 else NOBODY


async def auser_of(request: SiteRequest) -> SiteUser:
    """As `user_of`, for async views: a call must not hold up their loop."""
    return await sync_to_async(user_of)(request)


def known_user(request: SiteRequest) -> SiteUser:
    """Return who is known to be signed in, NOBODY when that was not asked: for error pages.

    They must not ask, since they may be there because nobody could tell.
    """
    check: SessionCheck | None = getattr(request, "session_check", None)
    if check is None or check.answer is None or check.answer.status != 200:
        return NOBODY
    try:
        return SiteUser.of(check.answer)
    except AuthApiUnavailable:
        return NOBODY


def _counts_as_use(request: SiteRequest) -> bool:
    try:  # a middleware may ask before Django has looked the view up
        match = request.resolver_match or resolve(request.path_info)
    except Resolver404:
        return False
    return session_of(match.func) == "use"

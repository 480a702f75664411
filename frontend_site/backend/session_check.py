"""Asks auth_api about the session of a request, at most once, and keeps the result."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from django.urls import Resolver404, resolve
from django.utils.functional import SimpleLazyObject

from frontend_site.backend.caller import caller_of
from frontend_site.backend.client import NEEDS_SESSION, Answer, AuthApiUnavailable, auth_api
from frontend_site.backend.relay import relay_cookies
from frontend_site.backend.routes import KNOWN_FIRST, SIGN_IN, WITH_SITE_DATA
from frontend_site.backend.users import NOBODY, SiteUser
from frontend_site.security.endpoints import session_of
from frontend_site.site_request import SiteRequest

PASSWORD_CHANGED = "password-changed"  # noqa: S105 - a problem: it is changed, and the session is over
SIGNED_OUT = frozenset({"no-session", "session-ended", PASSWORD_CHANGED})


@dataclass
class SessionCheck:
    """What is known so far about a request's session."""

    ask_user: Callable[[], SiteUser]  # returns who is signed in, with a call if needed
    answer: Answer | None = None  # who is signed in (200), or that the session is over (401)
    site_answer: Answer | None = None  # the one with what the site keeps in the session
    failure: AuthApiUnavailable | None = None  # auth_api could not tell
    valid: bool = False  # a call found the session valid
    over: bool = False  # a call found none, or an ended one
    expected: bool = False  # the view declared that it makes its own call

    def start_again(self, answer: Answer) -> None:
        """Forget the user of the old session; `answer` may contain that of the new one."""
        self.answer = answer if answer.tells_who else None
        self.site_answer = self.failure = None

    def forget(self) -> None:
        """Forget whose session it is: the next question makes a call."""
        self.answer = self.site_answer = self.failure = None

    def lazy_user(self) -> SiteUser:
        """Return a lazy user, like Django's `request.user`."""
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
    claims: Collection[str] = (),
) -> Answer:
    """Make one call on behalf of the browser; remember what the answer says about its session.

    Views must use this, because the last gate only sees calls made here. Relays no cookie. Raises
    AuthApiUnavailable.
    """
    answer = auth_api().call(
        route,
        caller_of(request, with_known_browser=route in KNOWN_FIRST, with_sign_in=route in SIGN_IN),
        body=body,
        content_type=content_type,
        handle=handle,
        audience=audience,
        claims=claims,
    )
    check = request.session_check
    if answer.status == 401 and answer.slug in SIGNED_OUT:
        check.answer, check.over = answer, True
    elif answer.status < 400:
        check.valid = check.valid or route in NEEDS_SESSION
        if answer.tells_who:
            check.answer = answer
            if route in WITH_SITE_DATA:
                check.site_answer = answer
    return answer


def ask_who(request: SiteRequest, route: str, *, relay: bool = True) -> Answer:
    """Return who is signed in (200), or that the session is over (401), with at most one call.

    `route` is the call to make if nothing is known yet; `relay`: whether it may change cookies. Raises
    AuthApiUnavailable; further calls raise it again.
    """
    check = request.session_check
    if check.failure:
        raise check.failure
    if check.answer:
        return check.answer
    try:
        answer = call_auth_api(request, route)
        if check.answer is None:  # neither signed in nor over
            raise AuthApiUnavailable(f"{route}: {answer.status}", retry_after=answer.retry_after)
    except AuthApiUnavailable as error:
        check.failure = error
        raise
    if relay:
        relay_cookies(request, answer)
    return answer


def user_of(request: SiteRequest) -> SiteUser:
    """Return who is signed in, or NOBODY; without a cookie, makes no call.

    Counts as use of the session if the view does. If it does not, no cookie is changed either: the
    answer may be older than a sign-in in another tab. Raises AuthApiUnavailable.
    """
    if request.session_token is None:
        return NOBODY
    is_use = counts_as_use(request)
    answer = ask_who(request, "page-session" if is_use else "page-session-peek", relay=is_use)
    return SiteUser.of(answer) if answer.status == 200 else NOBODY


def known_user(request: SiteRequest) -> SiteUser:
    """Return the user if already known, otherwise NOBODY. For error pages.

    They must not call auth_api, because an outage may be the reason for the error page.
    """
    check: SessionCheck | None = getattr(request, "session_check", None)
    if check is None or check.answer is None or check.answer.status != 200:
        return NOBODY
    try:
        return SiteUser.of(check.answer)
    except AuthApiUnavailable:
        return NOBODY


def counts_as_use(request: SiteRequest) -> bool:
    """Whether the view's request is a use of the session; otherwise it changes no cookie."""
    try:  # a middleware may ask before Django has resolved the view
        match = request.resolver_match or resolve(request.path_info)
    except Resolver404:
        return False
    return session_of(match.func) == "use"

"""The cookie of a sign-in whose second step is pending (sessions/pending.py)."""

from contextlib import suppress

from django.http import HttpResponse, JsonResponse

from auth_api.api_request import ApiRequest
from auth_api.errors import InvalidRequest
from auth_api.sessions.cookies import expire_strict_cookie, read_session_cookie, set_strict_cookie
from auth_api.sessions.exceptions import SessionStoreUnavailable
from auth_api.sessions.pending import LIFETIME, SignInPurpose, begin_sign_in, drop_sign_in
from auth_api.sessions.tokens import SessionToken
from auth_api.times import seconds_in_utc
from auth_api.users.factors.checking import RECOVERY, TOTP
from auth_api.users.models import User
from gatehouse.cookies import SIGN_IN_COOKIE, DuplicateCookie

_METHODS = {SignInPurpose.FACTOR: [TOTP, RECOVERY], SignInPurpose.ENROL: [TOTP]}


def sign_in_token(request: ApiRequest) -> SessionToken | None:
    """Return the token of the request's pending sign-in. Raises DuplicateCookie."""
    return read_session_cookie(request.META.get("HTTP_COOKIE", ""), SIGN_IN_COOKIE)


def wait_for_step(
    request: ApiRequest, user: User, purpose: SignInPurpose, *, remember: bool
) -> HttpResponse:
    """Answer the right password of an account that needs a second step: no session yet.

    Raises InvalidRequest if the BFF does not say which browser it is.
    """
    if not request.client_browser:
        raise InvalidRequest({"Gatehouse-Client-Browser": ["Required for this account."]})
    drop_sign_in(sign_in_token(request))
    pending = begin_sign_in(
        user, purpose, remember=remember, methods=("pwd",), browser=request.client_browser
    )
    pending_shape = {
        "purpose": purpose,
        "methods": _METHODS[purpose],
        "expires_at": seconds_in_utc(pending.expires_at),
    }
    response = JsonResponse({"pending": pending_shape})
    set_strict_cookie(response, SIGN_IN_COOKIE, pending.token.value, max_age=LIFETIME)
    return response


def end_pending(request: ApiRequest, response: HttpResponse) -> None:
    """Drop the pending sign-in of a request, if it has one, and its cookie. Never raises."""
    if SIGN_IN_COOKIE in request.META.get("HTTP_COOKIE", ""):
        with suppress(DuplicateCookie, SessionStoreUnavailable):  # it ends within ten minutes
            drop_sign_in(sign_in_token(request))
        expire_strict_cookie(response, SIGN_IN_COOKIE)

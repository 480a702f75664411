"""The second step of a sign-in, and the second factor of a session that is already there."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from auth_api.api_request import ApiRequest
from auth_api.errors import FactorNotFound, InvalidCode, InvalidRequest, Throttled
from auth_api.sessions import services as sessions
from auth_api.sessions.exceptions import NoPendingSignIn, SessionEnded, SessionStoreUnavailable
from auth_api.sessions.pending import (
    PendingSignIn,
    SignInPurpose,
    drop_sign_in,
    give_try_back,
    take_try,
)
from auth_api.sessions.tokens import SessionToken
from auth_api.tries import NOT_JUDGED
from auth_api.users.factors.checking import METHODS, check_code, forget_wrong_codes, refused_code
from auth_api.users.models import User

from .deletion import require_staying
from .sign_in import signed_in

# Before the code was compared. FactorNotFound and InvalidRequest: of an enrolment.
_UNJUDGED = (Throttled, FactorNotFound, InvalidRequest, *NOT_JUDGED)


def finish_sign_in(
    *, request: ApiRequest, token: SessionToken | None, method: str, code: str
) -> tuple[User, sessions.CurrentSession]:
    """Complete the pending sign-in of `token` with a code; the session replaces the browser's old one.

    Raises DeletionPending, NoPendingSignIn, InvalidCode (with the tries left; at none the sign-in is over), Throttled,
    SessionLimitReached, SessionStoreUnavailable.
    """
    pending = take_try(token, SignInPurpose.FACTOR, browser=request.client_browser)
    with try_given_back(pending):
        user = User.objects.filter(pk=pending.user_id, is_active=True).first()
    if user is None or user.session_epoch != pending.epoch:
        drop_sign_in(token)
        raise NoPendingSignIn
    _require_code(user, pending, method, code)
    if user.deletion_at is not None:
        drop_sign_in(token)
    require_staying(user)
    try:
        current = sessions.complete_sign_in(request, user, pending, method=METHODS[method])
    except SessionEnded:  # the sessions were ended while the code was judged
        raise NoPendingSignIn from None
    signed_in(user=user, address=request.client_address, sign_in=current.sign_in_id)
    return user, current


def show_second_factor(*, request: ApiRequest, method: str, code: str) -> sessions.CurrentSession:
    """Add a second factor to the request's session, which goes on under a new secret.

    Raises InvalidCode, Throttled, NoSession, SessionEnded, SessionStoreUnavailable.
    """
    user = User.objects.get(pk=sessions.current_session(request).user["id"])
    try:
        check_code(user, method, code)
    except InvalidCode:
        refused_code(user)
        raise
    current = sessions.renew_session(request, methods=(METHODS[method],))
    forget_wrong_codes(user)
    return current


def _require_code(user: User, pending: PendingSignIn, method: str, code: str) -> None:
    try:
        with try_given_back(pending):
            check_code(user, method, code)
    except InvalidCode:
        refused_code(user)
        raise InvalidCode(pending.tries_left) from None


@contextmanager
def try_given_back(pending: PendingSignIn) -> Iterator[None]:
    """Return the try of a pending sign-in if the block could not judge the code."""
    try:
        yield
    except _UNJUDGED:
        with suppress(SessionStoreUnavailable):
            give_try_back(pending)
        raise

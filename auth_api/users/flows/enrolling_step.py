"""The step of a sign-in to an account that must have a second factor and has none: it adds one.

The pending sign-in opens nothing else. The code of the new app confirms the app and completes the sign-in.
"""

from auth_api.api_request import ApiRequest
from auth_api.errors import InvalidCode
from auth_api.sessions import services as sessions
from auth_api.sessions.exceptions import NoPendingSignIn, SessionEnded
from auth_api.sessions.pending import PendingSignIn, SignInPurpose, give_try_back, take_try
from auth_api.sessions.tokens import SessionToken
from auth_api.tries import NOT_JUDGED
from auth_api.users.factors.checking import METHODS, TOTP
from auth_api.users.factors.enrolment import Enrolment, begin_first_totp, confirm_first_totp
from auth_api.users.models import User

from .second_step import try_given_back
from .sign_in import signed_in


def begin_enrolment(*, request: ApiRequest, token: SessionToken | None) -> Enrolment:
    """Return the secret of the app that completes the pending sign-in of `token`.

    Raises NoPendingSignIn, SessionStoreUnavailable.
    """
    pending = take_try(token, SignInPurpose.ENROL, browser=request.client_browser)
    give_try_back(pending)  # nothing is guessed here
    return begin_first_totp(pending)


def finish_enrolment(
    *, request: ApiRequest, token: SessionToken | None, code: str, name: str
) -> tuple[User, sessions.CurrentSession]:
    """Add the app whose secret `begin_enrolment` returned, and complete the sign-in, by one code of it.

    The row of the user decides which of parallel calls adds its app, and the script that stores the session
    uses the sign-in up. A deletion that is requested meanwhile ends it. Raises NoPendingSignIn, InvalidCode
    (with the tries left), FactorNotFound before `begin_enrolment`, InvalidRequest for a bad name,
    SessionLimitReached, SessionStoreUnavailable.
    """
    pending = take_try(token, SignInPurpose.ENROL, browser=request.client_browser)
    try:
        with try_given_back(pending):
            user = confirm_first_totp(pending, code=code, name=name)
    except InvalidCode:
        raise InvalidCode(pending.tries_left) from None
    current = _session(request, user, pending)
    signed_in(user=user, address=request.client_address, sign_in=current.sign_in_id)
    return user, current


def _session(request: ApiRequest, user: User, pending: PendingSignIn) -> sessions.CurrentSession:
    """Raise NoPendingSignIn if none can be made: the app is added, so that the next sign-in asks for its code."""
    try:
        return sessions.complete_sign_in(
            request, user, pending, method=METHODS[TOTP], sign_in_id=pending.sign_in_id
        )
    except (SessionEnded, *NOT_JUDGED):
        raise NoPendingSignIn from None

"""What follows a complete sign-in of any kind, and which sessions must not be renewed."""

from contextlib import suppress

import structlog

from auth_api.api_request import ApiRequest
from auth_api.errors import StepUpRequired
from auth_api.sessions import services as sessions
from auth_api.sessions.assurance import SECOND_FACTOR_AGE
from auth_api.sessions.exceptions import EndReason, SessionEnded, SessionStoreUnavailable
from auth_api.sessions.pending import SignInPurpose
from auth_api.sessions.records import SECOND_FACTORS
from auth_api.throttling import LoginThrottle
from auth_api.users.factors.checking import RECOVERY, TOTP, forget_wrong_codes
from auth_api.users.models import User
from auth_api.users.services import forget_tries

from .devices import record_sign_in

_log = structlog.get_logger("auth_api.users")


def signed_in(
    *, user: User, address: str, sign_in: str, tries: LoginThrottle | None = None, reason: str = ""
) -> None:  # fmt: skip
    """Log a sign-in whose session exists, forget the failures before it, and warn of a new device.

    `sign_in` is its id, `address` the client's network address, and `tries` those at the account if the
    password was checked in this call. Not before: the right password alone does not sign in to an account that needs a second
    factor, and whoever has only the password must not clear what slows them down. Never raises: the person
    has signed in.
    """
    _log.info("login.succeeded", user=str(user.pk))
    with suppress(SessionStoreUnavailable):
        tries.clear() if tries else forget_tries(user.email, address)
    if user.has_second_factor:
        forget_wrong_codes(user)
    record_sign_in(user=user, handle=sign_in, reason=reason)


def require_renewable(request: ApiRequest, user: User, before: sessions.CurrentSession) -> None:
    """Refuse to renew by the password alone a session that has never shown the factor that `user` must show.

    Its clocks would restart, so that a session from before the factor, the policy or the end of its days of grace
    would pass them for good. Raises StepUpRequired or, for a user who must enrol by now, SessionEnded, and ends it:
    the next sign-in may enrol.
    """
    step = user.required_step()
    if step is SignInPurpose.ENROL:
        sessions.end_session(request)
        raise SessionEnded(EndReason.ENDED)
    if step and not any(shown.method in SECOND_FACTORS for shown in before.shown):
        raise StepUpRequired([TOTP, RECOVERY], SECOND_FACTOR_AGE)

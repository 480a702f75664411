"""Who may come in: the one check of credentials, and the switch of an account."""

import structlog
from django.contrib.auth import authenticate
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest

from auth_api.errors import InvalidCredentials, Throttled
from auth_api.operations import LOGINS
from auth_api.security_log.kinds import Kind
from auth_api.security_log.recording import record_event
from auth_api.throttling import LoginThrottle

from .addresses import canonical_address
from .models import User

_log = structlog.get_logger("auth_api.users")


def check_credentials(
    *, request: HttpRequest | None, email: str, password: str, address: str, device: str = ""
) -> User:
    """Return the user whom address and password open.

    `address` is the client's network address and `device` what tells that its owner has signed in
    there before, both for the throttle. Raises InvalidCredentials (one for every reason), Throttled,
    Overloaded, SessionStoreUnavailable.
    """
    try:
        account = canonical_address(email)
    except ValidationError:
        account = ""  # all that is no address is one account, in each client's own counter only
    throttle = counted_try(account, address, device)
    user = authenticate(request, username=email, password=password)
    if not isinstance(user, User):  # the backend has logged why
        LOGINS.labels("refused").inc()
        throttle.fail()
        raise InvalidCredentials
    throttle.clear()
    LOGINS.labels("accepted").inc()
    _log.info("login.succeeded", user=str(user.id))
    return user


def counted_try(
    account: str, address: str, device: str = "", *, verification: bool = False
) -> LoginThrottle:
    """Count a try at `account` before it is made. Raises Throttled, SessionStoreUnavailable."""
    throttle = LoginThrottle(account, address, device=device, verification=verification)
    try:
        throttle.hit()
    except Throttled as error:
        LOGINS.labels("throttled").inc()
        record_event(Kind.SIGN_IN_THROTTLED, account=account, retry_after=error.retry_after)
        raise
    return throttle


def forget_tries(account: str, address: str) -> None:
    """Let the owner, who has just proved to read the account's mail, sign in from `address`.

    Else strangers' failures would keep them out after a reset, too. Raises SessionStoreUnavailable.
    """
    LoginThrottle(account, address).clear()


@transaction.atomic
def set_active(*, user: User, active: bool) -> None:
    """Switch an account on or off; off ends all its sessions."""
    user.is_active = active
    user.save(update_fields=["is_active"])

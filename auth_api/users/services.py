"""Checks credentials under the throttle, and activates and deactivates accounts."""

from collections.abc import Sequence

import structlog
from django.contrib.auth import authenticate
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from auth_api.errors import InvalidCredentials, Throttled
from auth_api.metrics import LOGINS
from auth_api.security_log.kinds import Kind
from auth_api.security_log.recording import record_event
from auth_api.throttling import LoginThrottle
from auth_api.users.passwords.hashing import acceptable_input, can_be_checked
from auth_api.users.passwords.normalization import matches

from .addresses import address_key, canonical_address, earlier_key
from .models import User

_log = structlog.get_logger("auth_api.users")


def check_credentials(
    *, request: HttpRequest | None, email: str, password: str, address: str, device: str
) -> User:
    """Like `first_step`, in a session (its handle is `device`) that asks again; forgets the failures there."""
    user, tries = first_step(
        request=request, email=email, password=password, address=address, device=device
    )
    tries.clear()
    return user


def first_step(
    *, request: HttpRequest | None, email: str, password: str, address: str, device: str = ""
) -> tuple[User, LoginThrottle]:
    """Return the user whom address and password open, and the tries at the account, this one included.

    Of a sign-in it may be the first step only, so it forgets no failures: that is for a whole sign-in
    (flows/sign_in.py). `address` is the client's network address and `device` what tells that its owner has
    signed in there before, both for the throttle. Raises InvalidCredentials (one for every reason),
    Throttled, Overloaded, SessionStoreUnavailable.
    """
    try:
        account = _meant_address(email)
    except ValidationError:
        account = ""  # all that is no address is one account, in each client's own counter only
    throttle = counted_try(account, address, device)
    with throttle.given_back_if_unjudged():
        user = authenticate(request, username=account or email, password=password)
    if not isinstance(user, User):  # the backend has logged why
        LOGINS.labels("refused").inc()
        throttle.fail()
        raise InvalidCredentials
    LOGINS.labels("accepted").inc()
    return user, throttle


def _meant_address(typed: str) -> str:
    """Return the address that `typed` means at sign-in. Raises ValidationError if it is invalid.

    Finds an account that an earlier release stored under its own folding of `typed`, until an account
    has the address under today's rule. Mails never use this.
    """
    before = "" if typed.isascii() else earlier_key(typed)
    if not before or not before.isascii():  # stored as today, or not at all
        return canonical_address(typed)
    try:
        now = canonical_address(typed)
    except ValidationError:
        now = ""
    known = User.objects.filter(email__in=[now, before]).values_list("email", flat=True)
    keys = {address_key(email) for email in known}
    return before if before in keys and address_key(now) not in keys else canonical_address(typed)


def require_password(user: User, password: str, address: str) -> None:
    """Raise InvalidCredentials unless `password` is that of `user`, for links that prove only an address.

    `address` is the client's network address, for the throttle. Raises Throttled, Overloaded.
    """
    if not password:  # the page sends none at first, and asks for it after this
        raise InvalidCredentials
    # Sign-ins do not reveal whether a registration's password is right, so they are counted apart.
    throttle = counted_try(user.email, address, verification=not user.email_verified)
    with throttle.given_back_if_unjudged():
        is_right = (
            acceptable_input(password)
            and can_be_checked(user.password)
            and matches(password, user.password)
        )
    if not is_right:
        record_event(Kind.VERIFICATION_FAILED, user.pk, reason="wrong-password")
        throttle.fail()
        raise InvalidCredentials
    throttle.clear()


def counted_try(
    account: str, address: str, device: str = "", *, verification: bool = False
) -> LoginThrottle:
    """Count a try at `account`, given in any spelling, before it is made.

    Raises Throttled, SessionStoreUnavailable.
    """
    throttle = LoginThrottle(
        address_key(account), address, device=device, verification=verification
    )
    try:
        throttle.hit()
    except Throttled as error:
        LOGINS.labels("throttled").inc()
        record_event(Kind.SIGN_IN_THROTTLED, account=account, retry_after=error.retry_after)
        raise
    return throttle


def forget_tries(account: str, address: str) -> None:
    """Clear the failures after a whole sign-in, or when the owner has proved control of the mailbox.

    Otherwise strangers' failures would lock them out even after a reset. `address` is the client's
    network address. Raises SessionStoreUnavailable.
    """
    LoginThrottle(address_key(account), address).clear()


def set_active(users: Sequence[User], *, active: bool) -> int:
    """Switch accounts on or off, in one transaction; off ends all their sessions. Return how many changed.

    Raises SessionStoreUnavailable.
    """
    changed = User.objects.filter(pk__in=[user.pk for user in users], is_active=not active)
    return changed.update(is_active=active)

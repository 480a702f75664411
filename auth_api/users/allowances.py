"""Limits how many mails may be requested and how many new passwords may be tried, and logs refusals."""

import structlog

from auth_api.errors import Throttled
from auth_api.throttling import (
    MAIL_WINDOW,
    Purpose,
    count_new_password,
    mail_wait,
    may_be_mailed,
)

from .addresses import address_key

_log = structlog.get_logger("auth_api.users")


def require_password_allowance(chooser: str) -> None:
    """Raise Throttled if `chooser` (a network or an account) proposed too many new passwords.

    Call it first: evaluating a password takes CPU time.
    """
    try:
        count_new_password(chooser)
    except Throttled as error:
        _log.warning("password.throttled", retry_after=error.retry_after)
        raise


def require_mail_allowance(address: str, purpose: Purpose) -> None:
    """Raise Throttled if the client at `address` requested too many mails of this kind."""
    if wait := mail_wait(address, purpose):
        _log.warning("mail.throttled", by="client", mail=purpose, retry_after=wait)
        raise Throttled(wait)


def has_mail_allowance(email: str, purpose: Purpose, *, window: int = MAIL_WINDOW) -> bool:
    """Count a mail to `email`; return False above the limit for `window` seconds."""
    allowed = may_be_mailed(address_key(email), purpose, window=window)
    if not allowed:
        _log.warning("mail.throttled", by="address", mail=purpose)
    return allowed

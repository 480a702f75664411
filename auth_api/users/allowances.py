"""Limits how many mails may be requested, new passwords tried and changes made, and logs refusals."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from auth_api.errors import Throttled
from auth_api.throttling import (
    MAIL_WINDOW,
    Change,
    Purpose,
    change_wait,
    count_new_password,
    give_change_back,
    give_mail_back,
    give_new_password_back,
    mail_wait,
    may_be_mailed,
)
from auth_api.tries import NOT_JUDGED

from .addresses import address_key

_log = structlog.get_logger("auth_api.users")


def require_password_allowance(*choosers: str) -> None:
    """Raise Throttled if `choosers` (an account, or networks from narrow to wide) proposed too many new passwords.

    Call it first: evaluating a password takes CPU time.
    """
    try:
        count_new_password(*choosers)
    except Throttled as error:
        _log.warning("password.throttled", retry_after=error.retry_after)
        raise


@contextmanager
def password_allowance(*choosers: str) -> Iterator[None]:
    """Like `require_password_allowance`, but an outage or a full worker in the block gives the try back.

    The block must end before the password is evaluated.
    """
    require_password_allowance(*choosers)
    try:
        yield
    except NOT_JUDGED:
        give_new_password_back(*choosers)
        raise


@contextmanager
def change_allowance(user_id: str, change: Change) -> Iterator[None]:
    """Raise Throttled if the account changed too often in this way. A change that an outage prevents does not count."""
    if wait := change_wait(user_id, change):
        _log.warning("change.throttled", user=user_id, change=change, retry_after=wait)
        raise Throttled(wait)
    try:
        yield
    except NOT_JUDGED:
        give_change_back(user_id, change)
        raise


@contextmanager
def mail_allowance(address: str, purpose: Purpose) -> Iterator[None]:
    """Raise Throttled if the client at `address` requested too many mails of this kind.

    A request that the block could not store, because of an outage or a full worker, does not count.
    """
    if wait := mail_wait(address, purpose):
        _log.warning("mail.throttled", by="client", mail=purpose, retry_after=wait)
        raise Throttled(wait)
    try:
        yield
    except NOT_JUDGED:
        give_mail_back(address, purpose)
        raise


def has_mail_allowance(email: str, purpose: Purpose, *, window: int = MAIL_WINDOW) -> bool:
    """Count a mail to `email`; return False above the limit for `window` seconds."""
    allowed = may_be_mailed(address_key(email), purpose, window=window)
    if not allowed:
        _log.warning("mail.throttled", by="address", mail=purpose)
    return allowed

"""Django's authentication backend: every failure gets the same answer at the same cost."""

from functools import cache, partial
from typing import Any

import structlog
from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError
from django.http import HttpRequest

from auth_api.errors import Overloaded
from auth_api.security_log.kinds import Kind
from auth_api.security_log.recording import record_event
from auth_api.users.passwords.hashing import acceptable_input, can_be_checked, decoy
from auth_api.users.passwords.normalization import matches

from .addresses import canonical_address
from .models import User

_log = structlog.get_logger("auth_api.users")


class EmailBackend(ModelBackend):
    """Signs in by e-mail address and password.

    Unknown address, wrong password, inactive and unverified look the same and take the same steps,
    including one Argon2 run (ASVS 6.3.8): without an account it checks a decoy. What is not typed in NFC takes
    two. Errors of the database
    and of hashing come only from before the comparison: such a try is not judged, and not counted.
    """

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None,
        password: str | None = None, **_: object,
    ) -> User | None:  # fmt: skip
        if not username or not password or not acceptable_input(password):
            _log_refusal("unusable-input", None, "")
            return None
        account, found = _find(username)
        user = found or _nobody()
        checkable = can_be_checked(user.password)
        allowed = self.user_can_authenticate(user)
        # Whoever may not sign in costs no upgrade: that would be a second hash.
        upgrade = partial(_upgrade, user) if allowed else None
        stored = user.password if checkable else decoy()
        is_right = matches(password, stored, upgrade)
        if found and checkable and is_right and allowed:
            return found
        _log_refusal(_reason(found, checkable, is_right), found, account)
        return None

    def user_can_authenticate(self, user: Any) -> bool:
        return bool(user.is_active and user.email_verified)


def _upgrade(user: User, password: str) -> None:
    """Store the right password under the newest parameters, or leave that to the next sign-in."""
    try:
        user.rehash_password(password)
    except (Overloaded, DatabaseError, InterfaceError) as error:
        _log.warning("password.not_upgraded", user=str(user.pk), cause=type(error).__name__)


def _reason(user: User | None, checkable: bool, is_right: bool) -> str:
    if user is None:
        return "unknown-address"
    if not checkable:
        return "no-password"
    if not is_right:
        return "wrong-password"
    return "unverified" if user.is_active else "inactive"


def _log_refusal(reason: str, user: User | None, account: str) -> None:
    """Give the reason only in the logs, and never the typed address: people type passwords there.

    `account` is the address for the account's own log; the log's writer looks up whether it exists.
    """
    record_event(Kind.SIGN_IN_FAILED, user.pk if user else None, account=account, reason=reason)


def _find(address: str) -> tuple[str, User | None]:
    """Return the canonical address ("" if invalid) and its user."""
    try:
        account = canonical_address(address)
    except ValidationError:
        return "", None
    return account, User.objects.filter(email=account).first()


def _nobody() -> User:
    """Return a stand-in user, built like one from a row, so that the following steps cost the same."""
    return User.from_db(DEFAULT_DB_ALIAS, *_row_of_nobody())


@cache
def _row_of_nobody() -> tuple[list[str], list[Any]]:
    user = User(email="nobody@invalid", password=decoy(), email_verified=True)
    fields = [field.attname for field in User._meta.concrete_fields]
    return fields, [getattr(user, name) for name in fields]

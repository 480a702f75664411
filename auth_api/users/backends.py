"""Who may sign in: one answer, at one price, for every failure."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import check_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from auth_api.one_row import read_row
from auth_api.security_log.kinds import Kind
from auth_api.security_log.recording import record_event

from .addresses import canonical_address
from .models import User
from .passwords import acceptable_input, can_be_checked, spend_one_hash


class EmailBackend(ModelBackend):
    """Signs in by e-mail address and password.

    Unknown address, wrong password, inactive and unverified cost one Argon2 run each and look the
    same (ASVS 6.3.8).
    """

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None,
        password: str | None = None, **_: Any,
    ) -> User | None:  # fmt: skip
        if not username or not password or not acceptable_input(password):
            return _refuse("unusable-input", None)
        user = _find(username)
        if user is None or not can_be_checked(user.password):
            spend_one_hash(password)
            return _refuse("no-password" if user else "unknown-address", user)
        allowed = self.user_can_authenticate(user)
        # Whoever may not sign in costs no upgrade: that would be a second hash.
        upgrade = user.rehash_password if allowed else None
        if not check_password(password, user.password, setter=upgrade):
            return _refuse("wrong-password", user)
        if not allowed:
            return _refuse("unverified" if user.is_active else "inactive", user)
        return user

    def user_can_authenticate(self, user: Any) -> bool:
        return bool(user.is_active and user.email_verified)


def _refuse(reason: str, user: User | None) -> User | None:
    """Say why in the logs alone; never the typed address: people type passwords there."""
    record_event(Kind.SIGN_IN_FAILED, user.pk if user else None, reason=reason)
    return None


def _find(address: str) -> User | None:
    try:
        return read_row(User, email=canonical_address(address))
    except ValidationError:
        return None

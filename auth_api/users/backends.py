"""Who may sign in: one answer, at one price, for every failure."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import check_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from .addresses import canonical_address
from .models import User
from .passwords import acceptable_input, spend_one_hash


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
            return None
        user = _find(username)
        if user is None or not user.has_usable_password():
            spend_one_hash(password)
            return None
        correct = check_password(password, user.password, setter=user.rehash_password)
        return user if correct and self.user_can_authenticate(user) else None

    def user_can_authenticate(self, user: Any) -> bool:
        return bool(user.is_active and user.email_verified)


def _find(address: str) -> User | None:
    try:
        return User.objects.filter(email=canonical_address(address)).first()
    except ValidationError:
        return None

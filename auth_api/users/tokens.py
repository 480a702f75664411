"""Mailed tokens: signed, dated, and dead after use because what they name has changed.

Nothing is stored but two counters on the user's row, so a copy of the database opens nothing.
"""

from dataclasses import dataclass
from typing import Any

from django.core import signing
from django.db.models import F

from auth_api.errors import InvalidToken
from auth_api.knobs import knobs
from auth_api.mail.outbox import SignedLink

from .models import User


@dataclass(frozen=True)
class Purpose:
    """What a link is for. The salt keeps a token of one purpose from serving another."""

    salt: str
    path: str


VERIFY = Purpose("gatehouse.verify-address", "/email/verify")
CONFIRM = Purpose("gatehouse.confirm-address", "/email/confirm")
DISOWN = Purpose("gatehouse.disown-sign-in", "/sessions/disown")
RESET = Purpose("gatehouse.reset-password", "/password/reset")


def verification_link(user: User) -> SignedLink:
    """A link that proves control of the address of `user`, for 24 hours."""
    return _link(VERIFY, str(user.id), user.email, user.session_epoch)


def confirmation_link(user: User, email: str) -> SignedLink:
    """A link that proves control of `email`, a user's next address, for 24 hours. Older ones die."""
    serial = _next_serial(user, "address_serial")
    return _link(CONFIRM, str(user.id), email, user.session_epoch, serial)


def reset_link(user: User) -> SignedLink:
    """A link that sets a new password, for 30 minutes. Older ones die."""
    return _link(RESET, str(user.id), user.session_epoch, _next_serial(user, "reset_serial"))


def disown_link(user: User, sign_in: int) -> SignedLink:
    """A link that says "this was not me" of event `sign_in`, for 7 days; it works signed out."""
    return _link(DISOWN, str(user.id), sign_in, user.email)


def read_verification_token(token: str, *, lock: bool = False) -> User:
    """Return the unverified user of `token`, with `lock` held to the transaction's end.

    Raises InvalidToken.
    """
    user_id, email, epoch = _claims(VERIFY, token, knobs().verification_lifetime, 3)
    return _found(
        lock, pk=user_id, email=email, session_epoch=epoch, email_verified=False, is_active=True
    )


def read_confirmation_token(token: str) -> tuple[User, str]:
    """Return the user of `token`, locked, and the address that it proves. Raises InvalidToken."""
    user_id, email, epoch, serial = _claims(CONFIRM, token, knobs().verification_lifetime, 4)
    user = _found(True, pk=user_id, session_epoch=epoch, address_serial=serial, is_active=True)
    return user, email


def read_reset_token(token: str, *, lock: bool = False) -> User:
    """Return the user whose password `token` may set. Raises InvalidToken."""
    user_id, epoch, serial = _claims(RESET, token, knobs().reset_lifetime, 3)
    return _found(lock, pk=user_id, session_epoch=epoch, reset_serial=serial, is_active=True)


def read_disown_token(token: str) -> tuple[User, int, str]:
    """Return the user of `token`, locked, its event, and where it was mailed. Raises InvalidToken."""
    user_id, sign_in, email = _claims(DISOWN, token, knobs().disown_lifetime, 3)
    return _found(True, pk=user_id, is_active=True), sign_in, email


def _link(purpose: Purpose, *claims: Any) -> SignedLink:
    return SignedLink(purpose.path, purpose.salt, claims)


def _next_serial(user: User, name: str) -> int:
    User.objects.filter(pk=user.pk).update(**{name: F(name) + 1})
    user.refresh_from_db(fields=[name])
    serial: int = getattr(user, name)
    return serial


def _claims(purpose: Purpose, token: str, lifetime: int, length: int) -> list[Any]:
    try:
        claims = signing.loads(token, salt=purpose.salt, max_age=lifetime)
    except (signing.BadSignature, ValueError, TypeError):
        raise InvalidToken from None
    if not isinstance(claims, list) or len(claims) != length:
        raise InvalidToken
    return claims


def _found(lock: bool, **claimed: Any) -> User:
    users = User.objects.select_for_update() if lock else User.objects.all()
    if (user := users.filter(**claimed).first()) is None:
        raise InvalidToken
    return user

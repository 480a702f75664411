"""Signed, dated tokens for e-mailed links. A used token is invalid because the data that it names has changed.

Nothing is stored but two counters on the user's row, so a copy of the database opens nothing.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core import signing
from django.db.models import F
from django.utils import timezone

from auth_api.errors import InvalidToken
from auth_api.mail.outbox import SignedLink
from auth_api.options import options

from .invitations import Invitation
from .models import User

_KEEP_OFFER = 600  # seconds


@dataclass(frozen=True)
class Purpose:
    """What a link is for. The salt keeps a token of one purpose from serving another."""

    salt: str
    path: str


VERIFY = Purpose("gatehouse.verify-address", "/email/verify")
CONFIRM = Purpose("gatehouse.confirm-address", "/email/confirm")
RESTORE = Purpose("gatehouse.restore-address", "/email/restore")
DISOWN = Purpose("gatehouse.disown-sign-in", "/sessions/disown")
KEEP = Purpose("gatehouse.keep-account", "/account/keep")
INVITE = Purpose("gatehouse.invitation", "/invitation")
RESET = Purpose("gatehouse.reset-password", "/password/reset")


def verification_link(user: User) -> SignedLink:
    """A link that proves control of the address of `user`, for 24 hours."""
    return _link(
        VERIFY, options().verification_lifetime, str(user.id), user.email, user.session_epoch
    )


def confirmation_link(user: User, email: str, sign_in: str) -> SignedLink:
    """A link that proves control of `email`, the user's new address, for 24 hours. Invalidates older ones.

    `sign_in` is the id of the sign-in that requested it.
    """
    serial = _next_serial(user, "address_serial")
    lifetime = options().verification_lifetime
    return _link(CONFIRM, lifetime, str(user.id), email, user.session_epoch, serial, sign_in)


def reset_links(users: Sequence[User]) -> list[SignedLink]:
    """Return a link for each of `users` that sets a new password, valid for 30 minutes. Older ones become invalid.

    They stay valid after a change of the password and the end of all sessions. Otherwise an intruder who knows
    the password could keep the owner from setting a new one. Three statements; call inside a transaction.
    """
    serials, lifetime = _next_serials(users, "reset_serial"), options().reset_lifetime
    return [_link(RESET, lifetime, str(user.pk), user.email, serials[user.pk]) for user in users]


def disown_link(user: User, sign_in: int) -> SignedLink:
    """A link that says "this was not me" of event `sign_in`, for 7 days; it works signed out."""
    return _link(DISOWN, options().disown_lifetime, str(user.id), sign_in, user.email)


def restore_link(user: User, act: int) -> SignedLink:
    """A link that restores the address that `act` replaced, for 7 days; it works signed out."""
    return _link(RESTORE, options().disown_lifetime, str(user.id), act)


def keep_link(user: User, deletion_at: datetime) -> SignedLink:
    """A link that cancels the deletion of `user` that is due at `deletion_at`, until then."""
    claims = (str(user.id), deletion_at.isoformat())
    return SignedLink(KEEP.path, KEEP.salt, claims, int(deletion_at.timestamp()))


def keep_token(user: User, deletion_at: datetime) -> str:
    """The same for whoever has just signed in, for 10 minutes, also if the deletion is overdue."""
    return _link(KEEP, _KEEP_OFFER, str(user.id), deletion_at.isoformat()).token


def invitation_link(invitation: Invitation) -> SignedLink:
    """A link that creates an account for the invitation's address, until the invitation expires."""
    claims = (invitation.pk, invitation.email, invitation.nonce)
    return SignedLink(INVITE.path, INVITE.salt, claims, int(invitation.expires_at.timestamp()))


def read_invitation_token(token: str, *, lock: bool = False) -> Invitation:
    """Return the invitation of `token`, with `lock` held to the transaction's end.

    Raises InvalidToken, also if it was used, revoked or sent again.
    """
    pk, email, nonce = _claims(INVITE, token, 3)
    found = Invitation.objects.select_for_update() if lock else Invitation.objects.all()
    invitation = found.filter(
        pk=pk, email=email, nonce=nonce, expires_at__gt=timezone.now()
    ).first()
    if invitation is None:
        raise InvalidToken
    return invitation


def read_verification_token(token: str, *, lock: bool = False) -> User:
    """Return the unverified user of `token`, with `lock` held to the transaction's end.

    Raises InvalidToken.
    """
    user_id, email, epoch = _claims(VERIFY, token, 3)
    return _found(
        lock, pk=user_id, email=email, session_epoch=epoch, email_verified=False, is_active=True
    )


def read_confirmation_token(token: str, *, lock: bool = False) -> tuple[User, str, str]:
    """Return the user of `token`, the address that it proves, and the sign-in that requested it.

    With `lock`, locks the user until the transaction ends. Raises InvalidToken.
    """
    user_id, email, epoch, serial, sign_in = _claims(CONFIRM, token, 5)
    user = _found(lock, pk=user_id, session_epoch=epoch, address_serial=serial, is_active=True)
    return user, email, sign_in


def read_restore_token(token: str) -> tuple[User, int]:
    """Return the user of `token`, locked, and the act that it undoes. Raises InvalidToken."""
    user_id, act = _claims(RESTORE, token, 2)
    return _found(True, pk=user_id, is_active=True), act


def read_reset_token(token: str, *, lock: bool = False) -> User:
    """Return the user whose password `token` may set. Raises InvalidToken."""
    user_id, email, serial = _claims(RESET, token, 3)
    return _found(lock, pk=user_id, email=email, reset_serial=serial, is_active=True)


def read_disown_token(token: str) -> tuple[User, int, str]:
    """Return the user of `token`, locked, its event, and where it was mailed. Raises InvalidToken."""
    user_id, sign_in, email = _claims(DISOWN, token, 3)
    return _found(True, pk=user_id, is_active=True), sign_in, email


def read_keep_token(token: str) -> User:
    """Return the user of `token`, locked, whose deletion it cancels. Raises InvalidToken."""
    user_id, deletion_at = _claims(KEEP, token, 2)
    at = datetime.fromisoformat(deletion_at)
    return _found(True, pk=user_id, deletion_at=at, is_active=True)


def _link(purpose: Purpose, lifetime: int, *claims: Any) -> SignedLink:
    """`lifetime` in seconds, from now on: a mail that is sent late holds a shorter-lived link."""
    return SignedLink(purpose.path, purpose.salt, claims, dies_at=int(time.time()) + lifetime)


def _next_serial(user: User, name: str) -> int:
    User.objects.filter(pk=user.pk).update(**{name: F(name) + 1})
    user.refresh_from_db(fields=[name])
    serial: int = getattr(user, name)
    return serial


def _next_serials(users: Sequence[User], name: str) -> dict[UUID, int]:
    rows = User.objects.filter(pk__in=[user.pk for user in users]).order_by("pk")
    list(rows.select_for_update().values_list("pk"))  # in one order: no deadlock
    rows.update(**{name: F(name) + 1})
    return dict(rows.values_list("pk", name))


def _claims(purpose: Purpose, token: str, length: int) -> list[Any]:
    try:
        loaded: list[Any] = signing.loads(token, salt=purpose.salt)
        dies_at, *claims = loaded
    except (signing.BadSignature, ValueError, TypeError):
        raise InvalidToken from None
    if len(claims) != length or not isinstance(dies_at, int) or time.time() >= dies_at:
        raise InvalidToken
    return claims


def _found(lock: bool, **claimed: Any) -> User:
    users = User.objects.select_for_update() if lock else User.objects.all()
    if (user := users.filter(**claimed).first()) is None:
        raise InvalidToken
    return user

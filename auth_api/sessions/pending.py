"""Pending sign-ins: the password was right, and a second factor is still to be shown, or to be added.

A pending sign-in is no session: its key is of another kind, its cookie has another name, it has no
record, no index entry and no snapshot, and nothing but the calls that complete it looks for it. It is
bound to the browser that typed the password, and ends after LIFETIME, TRIES wrong codes, a sign-out, or
whatever ends the user's sessions.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from hmac import compare_digest
from typing import Any

from auth_api.sessions.redis.backend import backend

from .codec import Unreadable, session_codec
from .exceptions import EndReason, NoPendingSignIn, SessionEnded
from .records import Shown
from .tokens import SessionToken

LIFETIME = 600  # seconds
TRIES = 5
_EPOCH_BYTES = 4


class SignInPurpose(StrEnum):
    """What a pending sign-in may do, and nothing else."""

    FACTOR = "factor"  # show the second factor of the account
    ENROL = "enrol"  # add the first one, which the account must have


@dataclass(frozen=True)
class PendingSignIn:
    """One pending sign-in. `shown`: the methods so far and their times, in Unix seconds by Redis' clock."""

    token: SessionToken
    user_id: str
    purpose: SignInPurpose
    epoch: int
    remember: bool
    shown: tuple[Shown, ...]
    browser: str
    tries_left: int
    began_at: int

    @property
    def sign_in_id(self) -> str:
        """The id that the sign-in has if it must have one before its session (which has a new handle)."""
        return self.token.handle

    @property
    def expires_at(self) -> int:
        """When it is void, in Unix seconds."""
        return self.began_at + LIFETIME


def begin_sign_in(
    user: Any, purpose: SignInPurpose, *, remember: bool, methods: Sequence[str], browser: str
) -> PendingSignIn:
    """Store a sign-in of `user`, who has just shown `methods`, and return it.

    `browser` is what tells the browser apart (never "", which would bind to nothing). Raises
    SessionStoreUnavailable, or SessionEnded if the user's sessions were ended since `user` was read.
    """
    if not browser:
        raise ValueError("a pending sign-in of no browser")
    token = SessionToken.new(user.session_ref)
    now = backend.now(token.ref)
    pending = PendingSignIn(
        token, str(user.pk), purpose, user.session_epoch, remember,
        tuple(Shown(method, now) for method in methods), browser, TRIES, now,
    )  # fmt: skip
    head = bytes((TRIES,)) + pending.epoch.to_bytes(_EPOCH_BYTES, "big")
    value = head + session_codec().seal_pending(token, _packed(pending))
    if not backend.pend(token.ref, token.id_hash, value, lifetime=LIFETIME):
        raise SessionEnded(EndReason.EPOCH)
    return pending


def take_try(token: SessionToken | None, purpose: SignInPurpose, *, browser: str) -> PendingSignIn:
    """Return the pending sign-in of `token`, less the try that the caller is about to judge.

    Raises NoPendingSignIn, also for another purpose and another browser than it began with, and
    SessionStoreUnavailable.
    """
    found = backend.try_pending(token.ref, token.id_hash) if token else None
    if token is None or found is None:
        raise NoPendingSignIn
    sealed, left = found
    try:
        pending = _unpacked(token, session_codec().open_pending(token, sealed), left)
    except Unreadable:
        raise NoPendingSignIn from None
    is_here = compare_digest(pending.browser.encode(), browser.encode())
    if not is_here or pending.purpose is not purpose:
        raise NoPendingSignIn
    return pending


def give_try_back(pending: PendingSignIn) -> None:
    """Return a try that nobody judged. Raises SessionStoreUnavailable."""
    backend.give_try_back(pending.token.ref, pending.token.id_hash)


def drop_sign_in(token: SessionToken | None) -> None:
    """End a pending sign-in; quiet when there is none. Raises SessionStoreUnavailable."""
    if token is not None:
        backend.drop_pending(token.ref, token.id_hash)


def _packed(pending: PendingSignIn) -> bytes:
    content = {
        "user": pending.user_id,
        "purpose": pending.purpose,
        "epoch": pending.epoch,
        "remember": pending.remember,
        "shown": pending.shown,
        "browser": pending.browser,
        "began": pending.began_at,
    }
    return json.dumps(content).encode()


def _unpacked(token: SessionToken, content: bytes, tries_left: int) -> PendingSignIn:
    read = json.loads(content)
    shown = tuple(Shown(method, at) for method, at in read["shown"])
    purpose = SignInPurpose(read.get("purpose", SignInPurpose.FACTOR))  # the only one before 0.4
    return PendingSignIn(
        token, read["user"], purpose, read["epoch"], read["remember"], shown, read["browser"],
        tries_left, read["began"],
    )  # fmt: skip

"""The engine's exceptions. An invalid session and an unavailable store are different types."""

from enum import StrEnum

from django.contrib.sessions.backends.base import UpdateError


class EndReason(StrEnum):
    """Why a session is over; the API names it in the problem document."""

    IDLE = "idle"
    ABSOLUTE = "absolute"
    ENDED = "ended"
    EPOCH = "epoch"  # all sessions of the user were ended
    INACTIVE = "inactive"  # the account is deactivated or deleted
    DAMAGED = "damaged"  # not a valid record; it is deleted
    UNREADABLE = "unreadable"  # none of our keys opens it; it is kept


class SessionError(Exception):
    """Base of every error of the engine."""


class NoSession(SessionError):
    """There is no such session: no token, a garbled one, or one that the store does not know."""


class SessionEnded(SessionError, UpdateError):
    """The session was there and is over.

    It is also Django's `UpdateError`, since a write that meets an ended session must fail in
    the way that Django's own code expects.
    """

    def __init__(self, reason: EndReason) -> None:
        super().__init__(reason)
        self.reason = reason


class ReauthenticationRequired(SessionError):
    """The user proved who they are too long ago for this act (ASVS 7.5.1, 7.5.2)."""


class FactorRequired(SessionError):
    """The account has, or must have, a second factor that this sign-in has not shown: no session is made."""


class NoPendingSignIn(SessionError):
    """No such sign-in waits: it is unknown, used, expired, out of tries, or may not do this."""


class SessionNotFound(SessionError):
    """No session of this user has that handle."""


class SessionLimitReached(SessionError):
    """The user has as many sessions as allowed, and the policy is to refuse a new one."""


class SessionStoreUnavailable(SessionError):
    """Redis could not answer: nobody knows whether the session is valid."""

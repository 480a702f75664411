"""Levels of assurance: what the sign-in of a session is still worth (docs/decisions/0018)."""

from collections.abc import Sequence
from typing import NamedTuple

from .records import SECOND_FACTORS, SessionRecord, Shown, SignIn

AAL1, AAL2 = "aal1", "aal2"
# SP 800-63B-4, 2.2.3: at AAL2, authentication is repeated once a day, and after an hour without use.
SECOND_FACTOR_AGE = 86400  # seconds
SECOND_FACTOR_IDLE = 3600  # seconds; prelude.lua has the same
_RFC_8176 = {"recovery": "otp"}


class Assurance(NamedTuple):
    """How certain it is who is using a session. Times are Unix seconds by Redis' clock.

    `acr` is AAL1 or AAL2; `amr` the methods that count towards it, in the words of RFC 8176; `auth_time` when the
    user last authenticated, by any method; `expires_at` when AAL2 becomes AAL1 if the session is not used, None
    at AAL1.
    """

    acr: str
    amr: tuple[str, ...]
    auth_time: int
    expires_at: int | None


def assurance_of(record: SessionRecord, sign_in: SignIn, now: int) -> Assurance:
    """Return the level of a session at `now`.

    A second factor counts for SECOND_FACTOR_AGE after it was shown, unless the session went unused for
    SECOND_FACTOR_IDLE since then: "keep me signed in" keeps a session, never its level.
    """
    first, second, shown_at = _told_apart(sign_in.shown)
    expires_at = min(shown_at + SECOND_FACTOR_AGE, record.last_seen_at + SECOND_FACTOR_IDLE)
    auth_time = record.header.authenticated_at
    if shown_at and not record.was_idle and now <= expires_at:
        return Assurance(AAL2, amr_of([*first, *second]), auth_time, expires_at)
    return Assurance(AAL1, amr_of(first), auth_time, None)


def amr_of(methods: Sequence[str]) -> tuple[str, ...]:
    """Return the methods in the words of RFC 8176: a recovery code is a one-time password; two are `mfa`."""
    if len(methods) < 2:
        return tuple(methods)
    words = tuple(dict.fromkeys(_RFC_8176.get(method, method) for method in methods))
    return (*words, "mfa") if len(words) > 1 else words


def _told_apart(shown: Sequence[Shown]) -> tuple[list[str], list[str], int]:
    """Return the first factors, the second factors, and when one of these was last shown (0: nobody knows).

    Each request comes here, so it makes no further calls.
    """
    first, second, last = [], [], 0
    for method, at in shown:
        if method in SECOND_FACTORS:
            second.append(method)
            last = max(last, at)
        else:
            first.append(method)
    return first, second, last

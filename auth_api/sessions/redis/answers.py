"""The types of what Redis answers. `backend` creates them from the scripts' byte strings."""

from dataclasses import dataclass

from auth_api.sessions.exceptions import EndReason


@dataclass(frozen=True, slots=True)
class Valid:
    """The session is valid. `snapshot` is its user's, still sealed; None if it belongs to no user.

    `now` is Redis' time, in Unix seconds.
    """

    record: bytes
    snapshot: bytes | None
    now: int


@dataclass(frozen=True, slots=True)
class NeedsSnapshot:
    """Valid as far as Redis knows, but it has no usable snapshot of the user: ask the database.

    `run` is the store's run (held.py), known before the database is asked; `now` as in Valid.
    """

    record: bytes
    run: bytes
    now: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The session is over."""

    reason: EndReason


@dataclass(frozen=True, slots=True)
class Absent:
    """Redis has no such record."""


@dataclass(frozen=True, slots=True)
class Stored:
    """The record was written; `record` is what Redis has now."""

    record: bytes


@dataclass(frozen=True, slots=True)
class Conflict:
    """Another request wrote first; `record` is what Redis has now."""

    record: bytes


@dataclass(frozen=True, slots=True)
class Consumed:
    """The pending sign-in that the session was to complete is gone: used, expired, or dropped."""


@dataclass(frozen=True, slots=True)
class ClockDiffers:
    """The time in the new header is not Redis' time: read it again."""


@dataclass(frozen=True, slots=True)
class LimitReached:
    """The user has as many sessions as allowed; the new one was refused."""


@dataclass(frozen=True, slots=True)
class TokenTaken:
    """There is a record under this token already."""


Validation = Valid | NeedsSnapshot | Ended | Absent
Creation = Stored | Ended | ClockDiffers | LimitReached | TokenTaken | Consumed
Save = Stored | Conflict | Ended | Absent | ClockDiffers

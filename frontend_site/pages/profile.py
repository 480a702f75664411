"""Parses auth_api's `{user, session}` for pages."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from frontend_site.backend.answer import as_agreed
from frontend_site.backend.client import Answer
from frontend_site.pages.times import ago, left, moment

_METHODS = {
    "pwd": "password",
    "otp": "one-time code",
    "webauthn": "passkey",
    "recovery": "recovery code",
}


@dataclass(frozen=True)
class Profile:
    """Who is signed in, since when and until when."""

    id: str
    name: str
    email: str
    email_verified: bool
    is_staff: bool
    joined: datetime
    signed_in: datetime
    idle_end: datetime
    absolute_end: datetime
    remember: bool
    methods: str  # how they signed in, in words
    factor_due: datetime | None  # until when a second factor must be added

    @property
    def display_name(self) -> str:
        """What to call the user: the name, or the address without one."""
        return self.name or self.email

    @property
    def signed_in_ago(self) -> str:
        """How long ago the user signed in, in words."""
        return ago(self.signed_in)

    @property
    def idle_left(self) -> str:
        """How long the session lasts without use, in words."""
        return left(self.idle_end)

    @property
    def absolute_left(self) -> str:
        """How long the session lasts at most, in words."""
        return left(self.absolute_end)

    @classmethod
    def of(cls, answer: Answer) -> "Profile":
        """Return the profile in a 200 of /v1/session. Raises AuthApiUnavailable when it is none."""
        with as_agreed("a session"):
            return cls._read(answer.document["user"], answer.document["session"])

    @classmethod
    def _read(cls, user: dict[str, Any], session: dict[str, Any]) -> "Profile":
        assurance = session["assurance"]
        return cls(
            id=str(user["id"]),
            name=str(user["name"] or ""),
            email=str(user["email"]),
            email_verified=bool(user["email_verified"]),
            is_staff=bool(user["is_staff"]),
            joined=moment(user["date_joined"]),
            signed_in=moment(assurance["auth_time"]),
            idle_end=moment(session["idle_expires_at"]),
            absolute_end=moment(session["absolute_expires_at"]),
            remember=bool(session["remember"]),
            factor_due=factor_due(user),
            methods=_in_words([_METHODS.get(m, str(m)) for m in assurance["methods"]]),
        )


def _in_words(names: list[str]) -> str:
    """Return e.g. "password and one-time code"."""
    *others, last = names or [""]
    return f"{', '.join(others)} and {last}" if others else last


def factor_due(user: dict[str, Any]) -> datetime | None:
    """Return until when `user` of auth_api must add a second factor, if so. Raises ValueError, TypeError."""
    due = user.get("second_factor_by")
    return moment(due) if due else None

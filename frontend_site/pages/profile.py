"""auth_api's `{user, session}`, read for a page."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils.timesince import timesince, timeuntil

from frontend_site.auth_client import Answer, AuthApiUnavailable

_METHODS = {"pwd": "password", "otp": "one-time code", "webauthn": "passkey"}


@dataclass(frozen=True)
class Profile:
    """Who is signed in, since when and until when."""

    name: str
    email: str
    email_verified: bool
    is_staff: bool
    joined: datetime
    signed_in: datetime
    idle_end: datetime
    absolute_end: datetime
    remember: bool
    methods: tuple[str, ...]  # in words

    @property
    def display_name(self) -> str:
        return self.name or self.email

    @property
    def signed_in_ago(self) -> str:
        if datetime.now(UTC) - self.signed_in < timedelta(minutes=1):
            return "just now"
        return f"{timesince(self.signed_in)} ago"

    @property
    def idle_left(self) -> str:
        return _left(self.idle_end)

    @property
    def absolute_left(self) -> str:
        return _left(self.absolute_end)

    @classmethod
    def of(cls, answer: Answer) -> "Profile":
        """Return the profile in a 200 of /v1/session. Raises AuthApiUnavailable when it is none."""
        try:
            return cls._read(answer.document["user"], answer.document["session"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise AuthApiUnavailable("a session without its fields") from error

    @classmethod
    def _read(cls, user: dict[str, Any], session: dict[str, Any]) -> "Profile":
        assurance = session["assurance"]
        return cls(
            name=str(user["name"] or ""),
            email=str(user["email"]),
            email_verified=bool(user["email_verified"]),
            is_staff=bool(user["is_staff"]),
            joined=_moment(user["date_joined"]),
            signed_in=_moment(assurance["auth_time"]),
            idle_end=_moment(session["idle_expires_at"]),
            absolute_end=_moment(session["absolute_expires_at"]),
            remember=bool(session["remember"]),
            methods=tuple(_METHODS.get(m, str(m)) for m in assurance["methods"]),
        )


def _left(end: datetime) -> str:
    # Rounded up: auth_api's clock may be a second behind, and "59 minutes" reads like a countdown.
    now = datetime.now(UTC) - timedelta(seconds=30)
    return f"in {timeuntil(end, now)}" if end - now > timedelta(minutes=1) else "within a minute"


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

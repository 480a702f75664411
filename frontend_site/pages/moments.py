"""Times as people say them."""

from datetime import UTC, datetime, timedelta

from django.utils.timesince import timesince, timeuntil

_A_MINUTE = timedelta(minutes=1)


def moment(text: str) -> datetime:
    """Return the time that auth_api wrote (ISO 8601, UTC). Raises ValueError, TypeError."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def ago(past: datetime) -> str:
    """Return e.g. "just now", "3 minutes ago"."""
    if datetime.now(UTC) - past < _A_MINUTE:
        return "just now"
    return f"{timesince(past, depth=1)} ago"


def left(end: datetime) -> str:
    """Return e.g. "within a minute", "in 59 minutes".

    Rounded up: auth_api's clock may be a second behind, and "59 minutes" reads like a countdown.
    """
    now = datetime.now(UTC) - timedelta(seconds=30)
    return f"in {timeuntil(end, now)}" if end - now > _A_MINUTE else "within a minute"

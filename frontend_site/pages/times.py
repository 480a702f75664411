"""Formats times and durations for pages."""

from datetime import UTC, datetime, timedelta

_A_MINUTE = timedelta(minutes=1)


def moment(text: str) -> datetime:
    """Return the time that auth_api wrote (ISO 8601, UTC). Raises ValueError, TypeError."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def ago(past: datetime) -> str:
    """Return e.g. "just now", "3 minutes ago"."""
    passed = datetime.now(UTC) - past
    return "just now" if passed < _A_MINUTE else f"{_in_words(passed, parts=1)} ago"


def left(end: datetime) -> str:
    """Return e.g. "within a minute", "in 59 minutes".

    Rounded up: auth_api's clock may be a second behind, and "59 minutes" reads like a countdown.
    """
    remaining = end - datetime.now(UTC) + timedelta(seconds=30)
    return f"in {_in_words(remaining, parts=2)}" if remaining > _A_MINUTE else "within a minute"


def in_units(seconds: int) -> str:
    """Return e.g. "7 days" of a duration from a setting; "" for less than a minute."""
    return _in_words(timedelta(seconds=seconds), parts=2)


def _in_words(span: timedelta, *, parts: int) -> str:
    """Return e.g. "11 hours, 59 minutes": at most `parts` units, the largest first."""
    minutes = int(span.total_seconds() // 60)
    counts = (minutes // 1440, minutes // 60 % 24, minutes % 60)
    words = [
        f"{count} {unit}{'' if count == 1 else 's'}"
        for count, unit in zip(counts, ("day", "hour", "minute"), strict=True)
        if count
    ]
    return ", ".join(words[:parts])

"""Formats times for mails, messages and answers."""

from datetime import UTC, datetime


def in_words(moment: datetime) -> str:
    """`4 November 2026, 02:40 UTC`, of a time in UTC."""
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"


def in_utc(moment: datetime) -> str:
    """`2026-11-24T02:40:00Z`"""
    return moment.astimezone(UTC).isoformat()[:19] + "Z"


def seconds_in_utc(seconds: int) -> str:
    """Unix seconds, as `in_utc`. Each request comes here, so it makes no further call of ours."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:19] + "Z"

"""Formats times for mails and messages."""

from datetime import datetime


def in_words(moment: datetime) -> str:
    """`4 November 2026, 02:40 UTC`, of a time in UTC."""
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"

"""Reads the mails that development keeps in files, where EMAIL_URL is file:///folder (the default there)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path

from django.conf import settings

MOST = 50  # mails that are shown
_NAME = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9]+", re.ASCII)  # as Django names the files
_LINK = re.compile(r"https?://[^\s<>\"]+")
_END = b"-" * 79 + b"\n"  # Django's, after each mail of a file


@dataclass(frozen=True)
class SentMail:
    """A mail as its recipient gets it; `name` is that of its file."""

    name: str
    to: str
    subject: str
    at: datetime
    text: str
    html: str

    @property
    def links(self) -> list[str]:
        """The links in its text, in order."""
        return _LINK.findall(self.text)


def sent_mails() -> list[SentMail]:
    """Return the latest mails, newest first; none if they are sent by a server or printed."""
    return sorted(_mails(), key=lambda mail: (mail.at, mail.name), reverse=True)[:MOST]


def sent_mail(name: str) -> SentMail | None:
    """Return one mail."""
    return next((mail for mail in _mails() if mail.name == name), None)


def _mails() -> Iterator[SentMail]:
    folder = getattr(settings, "EMAIL_FILE_PATH", None)
    for path in sorted(Path(folder).glob("*.log"))[-MOST:] if folder else ():
        if _NAME.fullmatch(path.stem):
            yield _read(path)


def _read(path: Path) -> SentMail:
    message = message_from_bytes(path.read_bytes().partition(_END)[0], policy=policy.default)
    return SentMail(
        name=path.stem,
        to=str(message["To"]),
        subject=str(message["Subject"]),
        at=parsedate_to_datetime(str(message["Date"])).astimezone(UTC),
        text=_part(message, "plain"),
        html=_part(message, "html"),
    )


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return str(part.get_content()) if isinstance(part, EmailMessage) else ""

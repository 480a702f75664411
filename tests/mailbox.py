"""A real SMTP server that keeps what it is sent."""

import asyncio
import logging
import re
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from email.policy import default
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiosmtpd.controller import Controller

from tests.ports import free_port

PATIENCE = 20  # seconds
logging.getLogger("mail.log").setLevel(logging.WARNING)  # it tells every SMTP command


@dataclass(frozen=True)
class Mail:
    """One mail as it arrived."""

    to: str
    subject: str
    text: str
    html: str
    headers: Mapping[str, str]

    @property
    def link(self) -> str:
        """The first link of the text."""
        found = re.search(r"http\S+", self.text)
        if found is None:
            raise AssertionError(f"no link in {self.subject!r}")
        return found[0]

    @property
    def token(self) -> str:
        return parse_qs(urlsplit(self.link).query)["token"][0]


class Mailbox:
    """Listens on a free port of loopback, with `tls` for STARTTLS only. A context manager.

    `refuse` is an SMTP answer ("451 try later") that every mail gets instead of being kept;
    while `hangs`, mails get no answer at all.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.mails: list[Mail] = []
        self.refuse = ""
        self.hangs = False
        self._arrived = threading.Condition()
        self.port = free_port()
        self.url = f"smtp+tls://localhost:{self.port}" if tls else f"smtp://127.0.0.1:{self.port}"
        self._controller = Controller(
            self, hostname="127.0.0.1", port=self.port, tls_context=tls, require_starttls=bool(tls)
        )

    def wait_for(self, to: str, subject: str = "", *, after: int = 0) -> Mail:
        """Return the newest mail to an address (with `subject` in its subject).

        Only those that came after the first `after` mails count. Raises AssertionError.
        """

        def newest() -> Mail | None:
            fit = (m for m in reversed(self.mails[after:]) if m.to == to and subject in m.subject)
            return next(fit, None)

        return self._wait(newest, f"no mail {subject!r} to {to}; there are {self.mails}")

    def _wait(self, condition: Callable[[], Mail | None], failure: str) -> Mail:
        with self._arrived:
            found = self._arrived.wait_for(condition, PATIENCE)
        if not found:
            raise AssertionError(failure)
        return found

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        while self.hangs:
            await asyncio.sleep(0.05)
        if self.refuse:
            return self.refuse
        message: Any = message_from_bytes(envelope.content, policy=default)
        parts: dict[str, Message] = {p.get_content_type(): p for p in message.walk()}
        contents = {
            kind: str(part.get_content())
            for kind, part in parts.items()
            if kind.startswith("text/")
        }  # type: ignore[attr-defined]
        text, html = contents["text/plain"], contents.get("text/html", "")
        with self._arrived:
            headers = {name: str(value) for name, value in message.items()}
            self.mails.append(Mail(envelope.rcpt_tos[0], headers["Subject"], text, html, headers))
            self._arrived.notify_all()
        return "250 kept"

    def __enter__(self) -> "Mailbox":
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

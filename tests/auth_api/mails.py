"""What the outbox sends, as its recipients see it."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.core import mail

from auth_api.mail.outbox import send_due_mails


def sent_mails() -> list[Any]:
    """Send what is due; return every mail of this test so far."""
    while send_due_mails():
        pass
    return mail.outbox


def mailed_link(to: str = "", subject: str = "") -> str:
    """Return the link in the newest mail (to that address, with that subject)."""
    found_mails = (m for m in reversed(sent_mails()) if not to or m.to == [to])
    message = next(m for m in found_mails if not subject or m.subject == subject)
    found = re.search(r"http\S+", str(message.body))
    assert found
    return found[0]


def mailed_token(to: str = "", subject: str = "") -> str:
    return parse_qs(urlsplit(mailed_link(to, subject)).query)["token"][0]

"""The outbox: a mail is written with the change that wants it, and sent by another process.

So an answer neither waits for a mail server nor shows by its time that a mail was due, and a
mail is lost only with the database. It is sent at least once: a sender that dies between the
server's "250" and the deletion of the row sends it again.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import structlog
from django.core import signing
from django.core.mail import EmailMultiAlternatives
from django.db.models import F
from django.template.loader import render_to_string
from django.utils import timezone

from auth_api.knobs import knobs

from .models import OutboxMail

FIRST_DELAY = 30  # seconds until the second try; doubles
LONGEST_DELAY = 3600  # seconds
PATIENCE = timedelta(days=3)
BATCH = 50

_log = structlog.get_logger("auth_api.mail")


@dataclass(frozen=True)
class SignedLink:
    """A link to `path` of the public site, with a token that says `claims`; made when it is sent."""

    path: str
    salt: str
    claims: tuple[Any, ...]


def queue_mail(
    *,
    to: str,
    template: str = "",
    subject: str = "",
    link: SignedLink | None = None,
    **context: str,
) -> None:
    """Write a mail into the present transaction.

    `template` names a text and an HTML file in templates/auth_api/emails. To nobody (`to` empty)
    it costs what any other costs, for answers that must not tell whether there is an account.
    """
    signed = {"path": link.path, "salt": link.salt, "claims": link.claims} if link else None
    OutboxMail.objects.create(
        to=to, template=template, subject=subject, context=context, link=signed
    )


def send_due_mails() -> int:
    """Try what is due, oldest first; return how many were tried."""
    due = OutboxMail.objects.filter(due_at__lte=timezone.now()).order_by("due_at")[:BATCH]
    tried = 0
    for mail in due:
        if _claim(mail):
            tried += 1
            _try(mail)
    return tried


def _claim(mail: OutboxMail) -> bool:
    """Take a mail from other senders, and put its next try off in case we die."""
    delay = min(FIRST_DELAY * 2 ** min(mail.tries, 20), LONGEST_DELAY)
    mine = OutboxMail.objects.filter(pk=mail.pk, tries=mail.tries, due_at=mail.due_at)
    next_try = timezone.now() + timedelta(seconds=delay)
    return mine.update(tries=F("tries") + 1, due_at=next_try) == 1


def _try(mail: OutboxMail) -> None:
    try:
        if mail.to:
            _message(mail).send()
    except Exception as error:  # whatever a mail server or a library comes up with: it is kept
        _keep(mail, error)
        return
    OutboxMail.objects.filter(pk=mail.pk).delete()
    if mail.to:
        _log.info("mail.sent", mail=mail.template, tries=mail.tries + 1)


def _keep(mail: OutboxMail, error: Exception) -> None:
    reason = type(error).__name__
    given_up = timezone.now() - mail.created_at > PATIENCE
    row = OutboxMail.objects.filter(pk=mail.pk)
    row.update(last_error=reason, **({"due_at": None} if given_up else {}))
    event = "mail.given_up" if given_up else "mail.failed"
    _log.error(event, id=mail.pk, mail=mail.template, tries=mail.tries + 1, error=reason)


def _message(mail: OutboxMail) -> EmailMultiAlternatives:
    context = {"subject": mail.subject, "link": _url(mail.link), **mail.context}
    text = render_to_string(f"emails/{mail.template}.txt", context)
    message = EmailMultiAlternatives(mail.subject, text, to=[mail.to])
    message.attach_alternative(
        render_to_string(f"emails/{mail.template}.html", context), "text/html"
    )
    return message


def _url(link: dict[str, Any] | None) -> str:
    """From the configured origin, never from a request's Host header."""
    if link is None:
        return ""
    query = urlencode({"token": signing.dumps(link["claims"], salt=link["salt"])})
    return f"{knobs().public_origin}{link['path']}?{query}"

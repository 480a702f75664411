"""The outbox: a mail is stored in the transaction that causes it, and another process sends it.

So an answer neither waits for a mail server nor shows by its time that a mail was due, and a
mail is lost only with the database. It is sent at least once: a sender that dies between the
server's "250" and the deletion of the row sends it again.

A request that concerns an address (a registration, a reset) is only written down. The sender looks
up the account after the HTTP answer, so the response time does not reveal whether there is one.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from typing import Any
from urllib.parse import urlencode

import structlog
from django.conf import settings
from django.core import signing
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.crypto import salted_hmac

from auth_api.options import options
from auth_api.times import in_words

from .models import OutboxMail

# Until the second try, in seconds; doubles. Longer than a slow server can take (EMAIL_TIMEOUT is for each step
# of the talk), so that no other sender takes a mail that is being sent.
FIRST_DELAY = 120
LONGEST_DELAY = 3600  # seconds
PATIENCE = timedelta(days=3)
FEWEST_TRIES = 10  # also when there was no sender for days
KEPT_FOR = timedelta(days=30)  # what was given up
BATCH = 50

# Name of a request -> its handler, which takes the address, the time of the request and its details.
# It is called in the transaction that deletes the request. users/apps.py registers the handlers.
ANSWERS: dict[str, Callable[..., None]] = {}

_log = structlog.get_logger("auth_api.mail")


@dataclass(frozen=True)
class SignedLink:
    """A link to `path` of the public site, with a token that says `claims`; made when it is sent.

    `dies_at`: Unix seconds; the token's first claim.
    """

    path: str
    salt: str
    claims: tuple[Any, ...]
    dies_at: int

    def asked_for(self, at: datetime) -> "SignedLink":
        """Return this link, made just now, with its lifetime counted from `at`."""
        return replace(self, dies_at=self.dies_at - int(time.time() - at.timestamp()))

    @property
    def token(self) -> str:
        """The signed claims, as a link carries them."""
        return signing.dumps([self.dies_at, *self.claims], salt=self.salt)


def queue_mail(
    *, to: str, template: str, subject: str, link: SignedLink | None = None, **context: str
) -> None:
    """Write a mail into the present transaction.

    `template` names a text and an HTML file in templates/auth_api/emails.
    """
    made_mail(to=to, template=template, subject=subject, link=link, **context).save()


def made_mail(
    *, to: str, template: str, subject: str, link: SignedLink | None = None, **context: str
) -> OutboxMail:
    """Return what `queue_mail` writes, for `queue_mails`."""
    signed = asdict(link) if link else None
    return OutboxMail(to=to, template=template, subject=subject, context=context, link=signed)


def queue_mails(mails: Sequence[OutboxMail]) -> None:
    """Write many mails into the present transaction, in one go."""
    OutboxMail.objects.bulk_create(mails)


@transaction.atomic
def queue_request(request: str, /, *, to: str, **details: str) -> None:
    """Write a request that concerns the address `to`; the sender calls `ANSWERS[request]`.

    Drops older requests of the same kind that failed so far, for the same account (`user_id` in the
    details) or else the same address: if one succeeded later, it would invalidate the newer link.
    """
    older = OutboxMail.objects.filter(request=request, tries__gt=0)
    if "user_id" in details:
        older = older.filter(context__user_id=details["user_id"])
    else:
        older = older.filter(to__iexact=to)
    older.delete()
    OutboxMail.objects.create(to=to, request=request, context=details)


def send_due_mails() -> int:
    """Send the mails and answer the requests that are due, oldest first; return how many were tried."""
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
        if mail.request:
            _answer(mail)
            return
        if not mail.to:
            pass  # the previous release wrote mails without a recipient, to equalise the cost
        elif _is_too_late(mail):
            _log.warning("mail.too_late", mail=mail.template, tries=mail.tries + 1)
        else:
            _message(mail).send()
            _log.info("mail.sent", mail=mail.template, tries=mail.tries + 1)
    except Exception as error:  # whatever a mail server or a library comes up with: it is kept
        _keep(mail, error)
        return
    OutboxMail.objects.filter(pk=mail.pk).delete()


def _answer(mail: OutboxMail) -> None:
    """Answer a request and delete it in one transaction."""
    with transaction.atomic():
        ANSWERS[mail.request](mail.to, mail.created_at, **mail.context)
        OutboxMail.objects.filter(pk=mail.pk).delete()


def _is_too_late(mail: OutboxMail) -> bool:
    """Return whether its link has expired: a user who still waits has requested another."""
    return mail.link is not None and time.time() >= mail.link["dies_at"]


def _keep(mail: OutboxMail, error: Exception) -> None:
    reason = type(error).__name__
    given_up = mail.tries >= FEWEST_TRIES and timezone.now() - mail.created_at > PATIENCE
    row = OutboxMail.objects.filter(pk=mail.pk)
    row.update(last_error=reason, **({"due_at": None} if given_up else {}))
    if given_up:
        prune_mails()
    event = "mail.given_up" if given_up else "mail.failed"
    name = mail.template or mail.request
    _log.error(event, id=mail.pk, mail=name, tries=mail.tries + 1, error=reason)


def old_mails(keep: timedelta = KEPT_FOR) -> QuerySet[OutboxMail]:
    """Return what was given up: requests (they may hold a hash), and mails that are older than `keep`."""
    limit = timezone.now() - keep
    return OutboxMail.objects.filter(due_at=None).filter(~Q(request="") | Q(created_at__lt=limit))


def prune_mails(keep: timedelta = KEPT_FOR) -> int:
    """Delete them; return how many."""
    return old_mails(keep).delete()[0]


def _message(mail: OutboxMail) -> EmailMultiAlternatives:
    context = {
        "subject": mail.subject,
        "link": _url(mail.link),
        "good_until": _good_until(mail.link),
        **mail.context,
        "site": options().site_name,
    }
    text = render_to_string(f"emails/{mail.template}.txt", context)
    message = EmailMultiAlternatives(mail.subject, text, to=[mail.to], headers=_headers(mail))
    message.attach_alternative(
        render_to_string(f"emails/{mail.template}.html", context), "text/html"
    )
    return message


def _headers(mail: OutboxMail) -> dict[str, str]:
    """Return the headers that tell other programs what this mail is.

    `Auto-Submitted` (RFC 3834, 5): out-of-office notes do not answer it. A mail that is sent twice has one
    Message-ID, of the sender's domain and without this machine's name.
    """
    own = salted_hmac("auth_api.mail.message-id", f"{mail.pk} {mail.created_at.isoformat()}")
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    return {"Auto-Submitted": "auto-generated", "Message-ID": f"<{own.hexdigest()}@{domain}>"}


def _good_until(stored: dict[str, Any] | None) -> str:
    return in_words(datetime.fromtimestamp(stored["dies_at"], UTC)) if stored else ""


def _url(stored: dict[str, Any] | None) -> str:
    """From the configured origin, never from a request's Host header."""
    if stored is None:
        return ""
    link = SignedLink(**stored)
    return f"{options().public_origin}{link.path}?{urlencode({'token': link.token})}"

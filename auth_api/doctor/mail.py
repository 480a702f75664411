"""Mail: whether the server accepts mails over TLS, and whether the outbox is emptied."""

import smtplib
from collections.abc import Iterator
from datetime import timedelta
from email.utils import parseaddr

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.smtp import EmailBackend
from django.db import Error
from django.utils import timezone

from auth_api.doctor.findings import Finding, fail, ok, skipped, warn
from auth_api.mail.models import OutboxMail
from auth_api.options import options
from auth_api.settings.email import is_loopback

_PATIENCE = 5  # seconds, for each step of the conversation
_SMTP = "django.core.mail.backends.smtp.EmailBackend"
_LATE = timedelta(minutes=5)  # a sender looks every second; a failed try moves `due_at`
_USE_TLS = (
    "Use smtp+tls:// (STARTTLS) or smtps:// in EMAIL_URL: mails contain links that open accounts."
)


def mail() -> Iterator[Finding]:
    """Yield whether the mail server accepts our connection, and the sender's address."""
    if settings.EMAIL_BACKEND != _SMTP:
        yield _no_server()
    else:
        yield from _server()
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    if domain == "localhost" and options().environment == "production":
        found = f"mails come from {settings.DEFAULT_FROM_EMAIL}, which mail servers refuse"
        yield warn("mail-sender", found, "Set DEFAULT_FROM_EMAIL to an address in your own domain.")
    else:
        yield ok("mail-sender", settings.DEFAULT_FROM_EMAIL)


def outbox() -> Iterator[Finding]:
    """Yield whether mails are sent: by `send_mail_outbox --loop`, in time and with success."""
    try:
        yield _outbox()
    except Error:
        yield skipped("outbox", "the database does not answer, or is not migrated")


def test_mail(address: str) -> Iterator[Finding]:
    """Send one mail to `address`, without the outbox."""
    message = EmailMessage(
        "Test of the mail server",
        f"This mail was sent by `manage.py doctor` for {options().public_origin}. Nothing needs to be done.",
        to=[address],
        connection=get_connection(timeout=_PATIENCE),
    )
    try:
        message.send()
    except (OSError, smtplib.SMTPException) as error:
        yield fail(
            "mail-sent",
            f"the test mail was not sent ({_reason(error)})",
            "Look at the mail server's log.",
        )
    else:
        yield ok("mail-sent", f"the mail server accepted a test mail to {address}")


def _no_server() -> Finding:
    kind = settings.EMAIL_BACKEND.rsplit(".", 2)[-2]
    found = f"mails are not sent: they go to the {kind} backend"
    if options().environment != "production":
        return skipped("mail", found)
    return warn(
        "mail",
        found,
        "Set EMAIL_URL to the mail server, such as smtp+tls://user:password@host:587.",
    )


def _server() -> Iterator[Finding]:
    server = EmailBackend(timeout=_PATIENCE)
    where = f"{server.host}:{server.port}"
    try:
        server.open()
    except (OSError, smtplib.SMTPException) as error:
        yield _unusable(where, error)
        return
    try:
        yield protection(server, where)
    finally:
        server.close()


def _unusable(where: str, error: Exception) -> Finding:
    if isinstance(error, smtplib.SMTPAuthenticationError):
        mend = "Correct the user and the password in EMAIL_URL (percent-encoded)."
    elif isinstance(error, smtplib.SMTPNotSupportedError):
        mend = "Use a port or a server with TLS: smtps:// on 465, or smtp+tls:// on 587."
    else:
        mend = "Check host, port and TLS in EMAIL_URL, and that no firewall blocks this machine's connections."
    return fail("mail", f"{where} cannot be used ({_reason(error)})", mend)


def protection(server: EmailBackend, where: str) -> Finding:
    """Judge whether mails to `server` are encrypted on their way."""
    login = ", signed in" if server.username else ""
    if server.use_ssl or server.use_tls:
        return ok("mail", f"{where}, {'TLS' if server.use_ssl else 'STARTTLS'}{login}")
    if is_loopback(str(server.host)):
        return ok("mail", f"{where} without TLS, on this machine")
    return fail("mail", f"mails to {where} travel in clear text", _USE_TLS)


def _outbox() -> Finding:
    waiting = OutboxMail.objects.filter(due_at__isnull=False)
    overdue = waiting.filter(due_at__lt=timezone.now() - _LATE).count()
    if overdue:
        found = f"{overdue} mails have been due for more than 5 minutes: nothing sends them"
        return fail(
            "outbox",
            found,
            "Start `manage.py send_mail_outbox --loop` (the process `mail` in Procfile).",
        )
    tried = waiting.filter(tries__gt=0)
    if late := tried.order_by("created_at").first():
        found = f"{tried.count()} mails have failed and will be tried again ({late.last_error})"
        return warn("outbox", found, "Look at the mail server's log.")
    if given_up := OutboxMail.objects.filter(due_at__isnull=True).count():
        return warn(
            "outbox",
            f"{given_up} mails could not be sent, and will not be tried again",
            "Look at them in the admin, then delete them.",
        )
    return ok("outbox", f"{waiting.count()} mails are waiting, none of them for long")


def _reason(error: Exception) -> str:
    """What the server or the system replied. The message about a failed login contains no password."""
    if isinstance(error, smtplib.SMTPResponseException):
        reply = error.smtp_error
        text = reply.decode(errors="replace") if isinstance(reply, bytes) else str(reply)
        return f"{error.smtp_code} {text.strip()[:100]}"
    return f"{type(error).__name__}: {error}"

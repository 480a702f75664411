"""The messages that accounts send. A mail that fails never changes an answer."""

from urllib.parse import urlencode

import structlog
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from auth_api.knobs import knobs

from .models import User
from .tokens import make_verification_token

_log = structlog.get_logger("auth_api.users")


def send_verification(user: User) -> None:
    """Mail the link that verifies the address; built from the configured origin only."""
    query = urlencode({"token": make_verification_token(user)})
    link = f"{knobs().public_origin}/email/verify?{query}"
    # Without the name: whoever registers chose it, and may not be who reads this.
    _send(user, "verify", "Confirm your address", link=link)


def send_already_registered(user: User) -> None:
    """Tell the owner of a known address that somebody tried to register it.

    It holds for accounts that staff made and that nobody can sign in to yet, too.
    """
    link = f"{knobs().public_origin}/login"
    _send(user, "already_registered", "You already have an account", link=link)


def _send(user: User, template: str, subject: str, **context: str) -> None:
    context = {"subject": subject, **context}
    text = render_to_string(f"emails/{template}.txt", context)
    message = EmailMultiAlternatives(subject, text, to=[user.email])
    message.attach_alternative(render_to_string(f"emails/{template}.html", context), "text/html")
    try:
        message.send()
    except Exception as error:  # whatever it is: another answer would tell that a mail was due
        _log.error("mail.failed", user=str(user.id), mail=template, error=type(error).__name__)

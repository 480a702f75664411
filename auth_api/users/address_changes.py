"""Another e-mail address for an account: asked for by its owner, proved at the new one."""

import structlog
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from auth_api.errors import InvalidRequest, InvalidToken
from auth_api.security_log.kinds import Kind
from auth_api.security_log.recording import record_event
from auth_api.throttling import Purpose, may_be_mailed

from . import emails
from .addresses import canonical_address
from .models import User
from .registration import is_registration, require_mail_allowance
from .tokens import read_confirmation_token, waste_serial

_log = structlog.get_logger("auth_api.users")


def request_address_change(*, user_id: str, email: str, address: str) -> None:
    """Mail a link to the new address, and a notice to the present one.

    The answer does not tell whether the new address has an account: its owner is told by mail.
    Raises InvalidRequest, Throttled.
    """
    try:
        email = canonical_address(email)
    except ValidationError as error:
        raise InvalidRequest({"email": error.messages}) from None
    require_mail_allowance(address, Purpose.ADDRESS_CHANGE)
    allowed = may_be_mailed(email, Purpose.ADDRESS_CHANGE)
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user_id)
        if email == user.email:
            raise InvalidRequest({"email": ["This is the address that you have."]})
        if not allowed:
            _log.warning("mail.throttled", by="address")
            return
        emails.send_address_change_asked(user, email)
        other = User.objects.filter(email=email).first()
        if other is None or is_registration(other):
            emails.send_address_confirmation(user, email)
        else:
            waste_serial()
            emails.send_already_registered(other)
    record_event(Kind.ADDRESS_CHANGE_ASKED, user_id)


def confirm_address(*, token: str) -> None:
    """Make the token's address its user's; ends all sessions. Signs nobody in. Raises InvalidToken."""
    try:
        with transaction.atomic():
            user, email = read_confirmation_token(token)
            _give_way(email)
            old, user.email, user.email_verified = user.email, email, True
            user.save()
            emails.send_address_changed(old, email)
    except IntegrityError:  # somebody else has proved it first
        raise InvalidToken from None


def _give_way(email: str) -> None:
    """A registration that nobody has confirmed keeps no address from who proves it."""
    other = User.objects.select_for_update().filter(email=email).first()
    if other is not None and is_registration(other):
        other.delete()

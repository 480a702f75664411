"""Registers an account, and confirms its address."""

from datetime import datetime

import structlog
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from auth_api.errors import InvalidRequest
from auth_api.mail.outbox import queue_request
from auth_api.network import networks_of
from auth_api.throttling import Purpose
from auth_api.users import emails
from auth_api.users.acts import reservation_of
from auth_api.users.addresses import canonical_address
from auth_api.users.allowances import has_mail_allowance, mail_allowance, require_password_allowance
from auth_api.users.models import User
from auth_api.users.names import validate_name
from auth_api.users.registration_rules import (
    may_register,
    require_allowed_domain,
    require_open_registration,
    require_still_welcome,
)
from auth_api.users.services import forget_tries, require_password
from auth_api.users.tokens import read_verification_token

REGISTER, RESEND = "register", "resend"  # requests of the outbox

_log = structlog.get_logger("auth_api.users")


def register_user(*, email: str, password: str, name: str, address: str) -> None:
    """Request an unverified account, or a mail to the owner if the address has an account.

    The answer reveals nothing about the account: the outbox's sender looks it up. `address` is the
    client's network address. Raises RegistrationClosed, InvalidRequest for invalid data, Throttled,
    Overloaded.
    """
    require_open_registration()
    require_password_allowance(*networks_of(address))
    email = _checked_registration(email, password, name)
    with mail_allowance(address, Purpose.VERIFICATION):
        queue_request(REGISTER, to=email, password=make_password(password), name=name)


def answer_registration(email: str, asked_at: datetime, *, password: str, name: str) -> None:
    """Store a registration and mail its link, or notify the owner of an existing account.

    `password` is a hash. Does nothing if the address has reached its limit of mails, or if registration
    was closed in the meantime.
    """
    if not may_register(email):
        return
    user = User.objects.filter(email=email).first()
    reserved = reservation_of(email)
    free = reserved is None and (user is None or user.is_registration)
    if not has_mail_allowance(email, Purpose.VERIFICATION if free else Purpose.NOTICE):
        return
    if reserved is not None:
        emails.send_address_reserved(reserved)
        return
    user = _store_registration(email, password, name)
    if user.is_registration:
        emails.send_verification(user, asked_at)
    else:
        emails.send_already_registered(user)


def resend_verification(*, email: str, address: str) -> None:
    """Request the link of an unverified registration again; the answer reveals nothing.

    Raises InvalidRequest for an invalid address, Throttled.
    """
    try:
        email = canonical_address(email)
    except ValidationError as error:
        raise InvalidRequest({"email": error.messages}) from None
    with mail_allowance(address, Purpose.RESEND):
        queue_request(RESEND, to=email)


def answer_resend(email: str, asked_at: datetime) -> None:
    """Mail the link if there is an unverified registration; otherwise do nothing."""
    user = User.objects.filter(email=email).first()
    waits = user is not None and user.is_registration and may_register(email)
    if user is not None and waits and has_mail_allowance(email, Purpose.RESEND):
        emails.send_verification(user, asked_at)


def _checked_registration(email: str, password: str, name: str) -> str:
    """Return the canonical address. Raises InvalidRequest with the field that is wrong."""
    try:
        email = canonical_address(email)
        require_allowed_domain(email)
    except ValidationError as error:
        raise InvalidRequest({"email": error.messages}) from None
    require_good_name_and_password(email, password, name)
    return email


def require_good_name_and_password(email: str, password: str, name: str) -> None:
    """Raise InvalidRequest with the field that is wrong in a new account of `email`."""
    field = "name"
    try:
        validate_name(name)
        field = "password"
        validate_password(password, User(email=email, name=name))
    except ValidationError as error:
        raise InvalidRequest({field: error.messages}) from None


def _store_registration(email: str, hashed: str, name: str) -> User:
    try:
        with transaction.atomic():
            user = User.objects.select_for_update().filter(email=email).first()
            if user is None:
                user = User.objects.create(email=email, password=hashed, name=name)
                _log.info("account.registered", user=str(user.id))
            elif user.is_registration:
                # The newest registration replaces earlier ones, also in its spelling of the address,
                # and invalidates older links (they contain the epoch).
                user.email, user.password, user.name = email, hashed, name
                user.date_joined = (
                    timezone.now()
                )  # it is as old as its newest link (unconfirmed.py)
                user.save()
            return user
    except IntegrityError:  # two registrations at the same moment
        return User.objects.get(email=email)


def remove_registration(email: str) -> None:
    """Delete an unconfirmed registration of `email`: it must not block the address's owner."""
    other = User.objects.select_for_update().filter(email=email).first()
    if other is not None and other.is_registration:
        other.delete()


def verify_email(*, token: str, password: str, address: str) -> None:
    """Mark the token's address as verified. Signs nobody in.

    The mailed link proves the address, the password who registered it: else a stranger registers
    somebody's address, and its owner's click opens the account to the stranger's password. Raises
    InvalidToken, RegistrationClosed if the settings no longer allow the registration, and what
    `require_password` raises; the token stays good then.
    """
    user = read_verification_token(token)
    require_still_welcome(user)
    require_password(user, password, address)
    forget_tries(user.email, address)
    with transaction.atomic():
        user = read_verification_token(token, lock=True)  # a newer registration has a newer epoch
        user.email_verified = True
        user.save(update_fields=["email_verified"])
        user.raise_session_epoch()  # a used link stays used, also when staff unticks "verified"

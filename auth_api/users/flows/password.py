"""Sets a new password, with the current one or with an e-mailed link."""

from collections.abc import Sequence
from datetime import datetime

import structlog
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import InterfaceError, OperationalError, transaction

from auth_api.api_request import ApiRequest
from auth_api.errors import InvalidCredentials, InvalidRequest, PasswordChanged
from auth_api.mail.outbox import queue_request
from auth_api.options import options
from auth_api.security_log.kinds import Kind
from auth_api.security_log.recording import record_change, record_event, record_for_each
from auth_api.sessions import services as sessions
from auth_api.sessions.exceptions import (
    EndReason,
    FactorRequired,
    SessionEnded,
    SessionStoreUnavailable,
)
from auth_api.throttling import Purpose
from auth_api.users import emails
from auth_api.users.acts import Act, record_act
from auth_api.users.addresses import canonical_address
from auth_api.users.allowances import (
    has_mail_allowance,
    mail_allowance,
    password_allowance,
    require_password_allowance,
)
from auth_api.users.factors.demands import locked_owner, require_second_factor
from auth_api.users.models import User
from auth_api.users.passwords.normalization import normalized
from auth_api.users.registration_rules import is_still_welcome, require_still_welcome
from auth_api.users.services import check_credentials, forget_tries
from auth_api.users.tokens import read_reset_token

FORGOT = "forgot"  # a request of the outbox

_log = structlog.get_logger("auth_api.users")


def request_password_reset(*, email: str, address: str) -> None:
    """Request a link to set a new password; neither the answer nor its time reveals anything.

    The outbox's sender looks up the account. Raises InvalidRequest for an invalid address, Throttled.
    """
    try:
        email = canonical_address(email)
    except ValidationError as error:
        raise InvalidRequest({"email": error.messages}) from None
    with mail_allowance(address, Purpose.RESET):
        queue_request(FORGOT, to=email)
    record_event(Kind.RESET_ASKED, account=email)


def answer_forgot(email: str, asked_at: datetime) -> None:
    """Mail the link to the stored address, if there is an account.

    A reset also proves the address, so it goes to unverified registrations and to accounts that
    staff created without a password, but not to a registration that the settings no longer allow: it
    must not be confirmed this way either. The counter's window is the lifetime of a link, so whenever the
    counter refuses, an earlier link is still valid: strangers cannot block resets.
    """
    # Locked, so that the account is not deleted before its link has been counted.
    user = User.objects.select_for_update().filter(email=email, is_active=True).first()
    if user and not is_still_welcome(user):
        return
    if user and has_mail_allowance(email, Purpose.RESET, window=options().reset_lifetime):
        emails.send_reset(user, asked_at)


@transaction.atomic
def send_reset_links(users: Sequence[User]) -> None:
    """Send the owners a link to set a password. Staff cannot set it themselves (ASVS 6.4.6)."""
    emails.send_resets(users)
    record_for_each(Kind.RESET_SENT, [user.pk for user in users])


def reset_password(*, token: str, password: str, address: str) -> None:
    """Set the password of the token's user and end all sessions. Signs nobody in (ASVS 7.6.2).

    `address` is the client's network address. Raises InvalidToken, RegistrationClosed if the
    settings no longer allow the registration that it would confirm, InvalidRequest for a password that is
    refused (the token stays valid then), Throttled, Overloaded, SessionStoreUnavailable.
    """
    owner = read_reset_token(token)
    require_password_allowance(f"reset of {owner.pk}")
    require_good_password(password, owner, field="password")
    forget_tries(owner.email, address)
    hashed = make_password(password)
    with transaction.atomic():
        user = read_reset_token(token, lock=True)  # used meanwhile, or a newer one asked for
        require_still_welcome(user)  # a reset confirms the address, too
        if not user.email_verified:
            user.name = ""  # whoever registered the address chose it, and may not be its owner
        user.password, user.email_verified = hashed, True
        user.reset_serial += 1  # the link is used
        user.save(sign_in="")
        done = record_change(user, Kind.PASSWORD_RESET)
        record_act(user, Act.Kind.RESET, mailed_to=user.email, event=done.pk)
        emails.send_password_changed(user)


def change_password(
    *, request: ApiRequest, current_password: str, new_password: str
) -> sessions.CurrentSession:
    """Change the password of the signed-in user; end the other sessions, and continue in a new one.

    Raises InvalidRequest for a wrong current password or a refused new one, Throttled, Overloaded,
    NoSession, SessionEnded, SessionStoreUnavailable; after the change itself PasswordChanged only.
    """
    before = sessions.current_session(request)
    with password_allowance(f"change of {before.user['id']}"):
        user = _checked_owner(request, before, current_password)
    require_second_factor(request, user)
    if normalized(new_password) == normalized(current_password):
        raise InvalidRequest(
            {"new_password": ["Choose a password that differs from your current one."]}
        )
    require_good_password(new_password, user, field="new_password")
    hashed = make_password(new_password)
    with transaction.atomic():
        locked = locked_owner(request)  # changed, or its sessions ended, while we hashed
        locked.password = hashed
        locked.save()
        emails.send_password_changed(locked)
    return _next_session(request, locked, before)


def _next_session(
    request: ApiRequest, user: User, before: sessions.CurrentSession
) -> sessions.CurrentSession:
    """Start the session that goes on after a committed change of the password.

    Raises PasswordChanged if none can be made: the change is done, so the answer is not "try again".
    """
    try:
        return sessions.start_session(
            request,
            user,
            remember=before.session.remember,
            methods=("pwd",),
            before=before,
        )
    except (
        SessionEnded,
        FactorRequired,
        SessionStoreUnavailable,
        OperationalError,
        InterfaceError,
    ):
        sessions.leave_ended_session(request)
        raise PasswordChanged from None


def require_good_password(password: str, user: User, *, field: str) -> None:
    """Raise InvalidRequest, naming `field`, with the reasons against `password`."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise InvalidRequest({field: error.messages}) from None


def _checked_owner(request: ApiRequest, before: sessions.CurrentSession, password: str) -> User:
    try:
        user = check_credentials(
            request=request,
            email=before.user["email"],
            password=password,
            address=request.client_address,
            device=before.session.handle,
        )
    except InvalidCredentials:
        raise InvalidRequest({"current_password": ["Incorrect password."]}) from None
    if str(user.id) != before.user["id"]:  # the address went to another account meanwhile
        raise SessionEnded(EndReason.EPOCH)
    return user

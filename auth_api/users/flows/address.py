"""Changes the e-mail address of an account, after the owner has confirmed the new one."""

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from auth_api.api_request import ApiRequest
from auth_api.errors import InvalidRequest, InvalidToken
from auth_api.mail.outbox import queue_request
from auth_api.security_log.kinds import Kind
from auth_api.security_log.recording import record_event
from auth_api.sessions import services as sessions
from auth_api.sessions.exceptions import NoSession, SessionEnded
from auth_api.throttling import Purpose
from auth_api.users import emails
from auth_api.users.acts import reservation_of
from auth_api.users.addresses import address_key, canonical_address
from auth_api.users.allowances import has_mail_allowance, mail_allowance
from auth_api.users.factors.demands import locked_owner
from auth_api.users.flows.registration import remove_registration
from auth_api.users.models import User
from auth_api.users.registration_rules import is_allowed_domain, require_allowed_domain
from auth_api.users.services import require_password
from auth_api.users.tokens import read_confirmation_token

CHANGE = "address change"  # a request of the outbox


def request_address_change(*, request: ApiRequest, email: str, address: str) -> None:
    """Request a link for the new address, and mail a notice to the present one.

    `address` is the client's network address. The answer does not reveal whether the new address has an
    account: the outbox's sender looks it up and tells its owner by mail. Raises InvalidRequest, Throttled,
    and what `locked_owner` raises.
    """
    try:
        email = canonical_address(email)
        require_allowed_domain(email)
    except ValidationError as error:
        raise InvalidRequest({"email": error.messages}) from None
    with mail_allowance(address, Purpose.ADDRESS_CHANGE), transaction.atomic():
        user = locked_owner(request)
        if address_key(email) == address_key(user.email):
            raise InvalidRequest(
                {"email": ["Enter an address that differs from your current one."]}
            )
        emails.send_address_change_asked(user, email)
        epoch, sign_in = str(user.session_epoch), sessions.current_session(request).sign_in_id
        queue_request(CHANGE, to=email, user_id=str(user.pk), epoch=epoch, sign_in=sign_in)
    record_event(Kind.ADDRESS_CHANGE_ASKED, user.pk)


def answer_address_change(
    email: str, asked_at: datetime, *, user_id: str, epoch: str, sign_in: str
) -> None:
    """Mail the link to the new address, or tell the owner if it has an account.

    Does nothing if the account's sessions were ended since (`epoch`): the link would be invalid, too.
    """
    users = User.objects.select_for_update().filter(is_active=True)
    user = users.filter(pk=user_id, session_epoch=int(epoch)).first()
    if user is None or not has_mail_allowance(email, Purpose.ADDRESS_CHANGE):
        return
    other = User.objects.filter(email=email).first()
    reserved = reservation_of(email, except_for=user)
    if other is not None and not other.is_registration:
        emails.send_already_registered(other)
    elif reserved is not None:
        emails.send_address_reserved(reserved)
    else:
        emails.send_address_confirmation(user, email, sign_in, asked_at)


def confirm_address(*, request: ApiRequest, token: str, password: str, address: str) -> None:
    """Give the user of the token the new address, and end all sessions. Signs nobody in.

    The mailed link proves the address; a session or the `password` of the account proves that its
    owner wants the change. Otherwise a careless click on a stranger's request would give the stranger's
    account the address of the person who clicked. Raises InvalidToken, and the errors of
    `require_password`, after which the token stays valid.
    """
    user, email, _ = read_confirmation_token(token)
    if not _is_signed_in(request, user):
        require_password(user, password, address)
    try:
        with transaction.atomic():
            user, email, sign_in = read_confirmation_token(token, lock=True)
            remove_registration(email)
            old, user.email, user.email_verified = user.email, email, True
            user.save(sign_in=sign_in)
            # Checked only now: another account may have left it while we waited for the row.
            if reservation_of(email, except_for=user) is not None or not is_allowed_domain(email):
                raise InvalidToken
            emails.send_address_changed(user, old, reservation_of(old))
    except IntegrityError:  # another account has confirmed it first
        raise InvalidToken from None


def _is_signed_in(request: ApiRequest, user: User) -> bool:
    """Whether the request comes from a session of `user`. Raises SessionStoreUnavailable."""
    try:
        return bool(sessions.current_session(request).user["id"] == str(user.pk))
    except (NoSession, SessionEnded):
        return False

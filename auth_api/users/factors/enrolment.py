"""Adds authenticator apps: a secret, which counts once a code of it has come."""

from dataclasses import dataclass, field
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from auth_api.api_request import ApiRequest
from auth_api.errors import FactorNotFound, InvalidCode, TooManyFactors
from auth_api.options import options
from auth_api.security_log.kinds import Kind
from auth_api.security_log.recording import record_change
from auth_api.sessions import services as sessions
from auth_api.sessions.exceptions import NoPendingSignIn
from auth_api.sessions.pending import PendingSignIn
from auth_api.sessions.tokens import new_ref
from auth_api.throttling import Change
from auth_api.users import emails
from auth_api.users.allowances import change_allowance
from auth_api.users.models import TotpDevice, User

from .checking import use_code_of
from .demands import locked_owner
from .devices import good_name
from .removal import settle
from .sealing import seal_secret
from .totp import key_uri, new_secret, secret_text

MOST = 5  # devices of one account: each one more is one more code that a guess may hit
ENROLMENT = timedelta(minutes=30)  # between the secret and its first code


@dataclass(frozen=True)
class Enrolment:
    """What an app needs, shown once."""

    id: str
    secret: str = field(repr=False)
    uri: str = field(repr=False)


def begin_totp(*, request: ApiRequest) -> Enrolment:
    """Return the secret of a new device, which counts only once a code of it has come.

    One enrolment at a time for the sign-in that adds it: the secret of an earlier one is void. Raises
    TooManyFactors, Throttled, and what `locked_owner` raises.
    """
    current = sessions.current_session(request)
    with change_allowance(current.user["id"], Change.NEW_APP), transaction.atomic():
        user = locked_owner(request)
        if user.totp_devices.in_use().count() >= MOST:
            raise TooManyFactors
        return _begin(user, current.sign_in_id)


def begin_first_totp(pending: PendingSignIn) -> Enrolment:
    """Like `begin_totp`, for a pending sign-in that may only enrol. Raises NoPendingSignIn as `confirm_first_totp`."""
    with transaction.atomic():
        return _begin(_locked_without_factor(pending), pending.sign_in_id)


def confirm_totp(*, request: ApiRequest, code: str, name: str) -> None:
    """Make the device whose enrolment this sign-in began a second factor. The code is used up.

    Raises InvalidCode, FactorNotFound without such an enrolment, InvalidRequest for a bad name, and what
    `locked_owner` raises.
    """
    name = good_name(name)
    with transaction.atomic():
        user = locked_owner(request)
        _confirm(user, sessions.current_session(request).sign_in_id, code, name)


def confirm_first_totp(pending: PendingSignIn, *, code: str, name: str) -> User:
    """Like `confirm_totp`, for a pending sign-in that may only enrol; return its user.

    The row is locked, so that of parallel calls one adds its device. Raises NoPendingSignIn if the account
    has a second factor by now, which only that factor may add to, or if its sessions were ended.
    """
    name = good_name(name)
    with transaction.atomic():
        user = _locked_without_factor(pending)
        _confirm(user, pending.sign_in_id, code, name)
    return user


def _locked_without_factor(pending: PendingSignIn) -> User:
    user = User.objects.select_for_update().filter(pk=pending.user_id, is_active=True).first()
    if user is None or user.has_second_factor or user.session_epoch != pending.epoch:
        raise NoPendingSignIn
    return user


def _begin(user: User, sign_in: str) -> Enrolment:
    secret, device_id = new_secret(), new_ref()
    unfinished = user.totp_devices.filter(confirmed_at__isnull=True)
    too_old = Q(created_at__lte=timezone.now() - ENROLMENT)
    unfinished.filter(Q(added_by=sign_in) | too_old).delete()
    user.totp_devices.create(
        id=device_id,
        sealed_secret=seal_secret(secret, user_id=user.pk, device_id=device_id),
        added_by=sign_in,
    )
    uri = key_uri(secret, account=user.email, issuer=options().site_name)
    return Enrolment(device_id, secret_text(secret), uri)


def _confirm(user: User, sign_in: str, code: str, name: str) -> None:
    begun = user.totp_devices.filter(
        confirmed_at__isnull=True, added_by=sign_in, created_at__gt=timezone.now() - ENROLMENT
    ).first()
    if begun is None:
        raise FactorNotFound
    if not use_code_of(begun, code):
        raise InvalidCode
    TotpDevice.objects.filter(pk=begun.pk).update(confirmed_at=timezone.now(), name=name)
    settle(user)
    record_change(user, Kind.FACTOR_ADDED, reason=name)
    emails.send_factor_added(user, name)

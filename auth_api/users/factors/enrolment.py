"""Adds, names and removes authenticator apps, and makes recovery codes."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from auth_api.errors import FactorNotFound, InvalidCode, InvalidRequest, TooManyFactors
from auth_api.options import options
from auth_api.security_log.kinds import Kind
from auth_api.security_log.recording import record_change
from auth_api.sessions.snapshots import fence_user
from auth_api.sessions.tokens import new_ref
from auth_api.users import emails
from auth_api.users.models import RecoveryCode, TotpDevice, User
from auth_api.users.names import validate_name

from .checking import use_code_of
from .models import NAME_LENGTH
from .recovery_codes import HOW_MANY, new_code, shown_code, typed_code
from .sealing import code_hash, seal_secret
from .totp import key_uri, new_secret, secret_text

MOST = 5  # devices of one account: each one more is one more code that a guess may hit
ENROLMENT = timedelta(minutes=30)  # between the secret and its first code


@dataclass(frozen=True)
class Enrolment:
    """What an app needs, shown once."""

    id: str
    secret: str = field(repr=False)
    uri: str = field(repr=False)


def confirmed_devices(user_id: Any) -> list[TotpDevice]:
    """Return the devices that count, oldest first."""
    return list(TotpDevice.objects.filter(user_id=user_id, confirmed_at__isnull=False))


def recovery_codes_left(user_id: Any) -> int:
    """Return how many recovery codes the account has."""
    return RecoveryCode.objects.filter(user_id=user_id, confirmed=True).count()


def begin_totp(*, user_id: str, sign_in: str) -> Enrolment:
    """Return the secret of a new device, which counts only once a code of it has come.

    One enrolment at a time: the secret of an earlier one is void. `sign_in` is the id of the sign-in that
    adds it. Raises TooManyFactors.
    """
    secret, device_id = new_secret(), new_ref()
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user_id)
        if user.totp_devices.filter(confirmed_at__isnull=False).count() >= MOST:
            raise TooManyFactors
        user.totp_devices.filter(confirmed_at__isnull=True).delete()
        user.totp_devices.create(
            id=device_id,
            sealed_secret=seal_secret(secret, user_id=user.pk, device_id=device_id),
            added_by=sign_in,
        )
    uri = key_uri(secret, account=user.email, issuer=options().site_name)
    return Enrolment(device_id, secret_text(secret), uri)


def confirm_totp(*, user_id: str, sign_in: str, code: str, name: str) -> None:
    """Make the device whose enrolment `sign_in` began a second factor. The code is used up.

    Raises InvalidCode, FactorNotFound without such an enrolment, InvalidRequest for a bad name.
    """
    name = _good_name(name)
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user_id)
        begun = user.totp_devices.filter(
            confirmed_at__isnull=True, added_by=sign_in, created_at__gt=timezone.now() - ENROLMENT
        ).first()
        if begun is None:
            raise FactorNotFound
        if not use_code_of(begun, code):
            raise InvalidCode
        TotpDevice.objects.filter(pk=begun.pk).update(confirmed_at=timezone.now(), name=name)
        User.objects.filter(pk=user.pk).update(has_second_factor=True)
        record_change(user, Kind.FACTOR_ADDED, reason=name)
        emails.send_factor_added(user, name)


def rename_totp(*, user_id: str, device_id: str, name: str) -> None:
    """Rename a device. Raises FactorNotFound, InvalidRequest."""
    name = _good_name(name)
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user_id)
        found = user.totp_devices.filter(pk=device_id, confirmed_at__isnull=False)
        if not found.update(name=name):
            raise FactorNotFound
        record_change(user, Kind.FACTOR_RENAMED, reason=name)


def remove_totp(*, user_id: str, device_id: str) -> None:
    """Remove a device; with the last one go the recovery codes. Raises FactorNotFound."""
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user_id)
        device = user.totp_devices.filter(pk=device_id, confirmed_at__isnull=False).first()
        if device is None:
            raise FactorNotFound
        device.delete()
        settle(user)
        record_change(user, Kind.FACTOR_REMOVED, reason=device.name)
        emails.send_factor_removed(user, device.name)


def remove_all(user_id: Any, *, reason: str) -> int:
    """Remove every factor of an account, and end its sessions; return how many devices it had.

    For an operator, when the owner has lost the devices and the recovery codes. The owner gets a mail.
    """
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user_id)
        names = [device.name for device in confirmed_devices(user.pk)]
        user.totp_devices.all().delete()
        settle(user)
        fence_user(user)
        user.raise_session_epoch()
        record_change(user, Kind.FACTOR_REMOVED, reason=reason)
        for name in names:
            emails.send_factor_removed(user, name)
    return len(names)


def has_enrolments(user: User, *, known: Any, since: Any) -> bool:
    """Whether sign-ins other than the `known` ones added apps that count, `since` then."""
    added = user.totp_devices.filter(created_at__gt=since, confirmed_at__isnull=False)
    return bool(added.exclude(added_by__in=known).exists())


def undo_enrolments(user: User, *, known: Any, since: Any) -> list[str]:
    """Remove what sign-ins other than the `known` ones enrolled `since` then; return the devices' names.

    Call inside a transaction that has locked the user.
    """
    added = user.totp_devices.filter(created_at__gt=since).exclude(added_by__in=known)
    names = [device.name for device in added if device.confirmed_at]
    added.delete()
    user.recovery_codes.filter(created_at__gt=since).exclude(added_by__in=known).delete()
    settle(user)
    for name in names:
        record_change(user, Kind.FACTOR_REMOVED, reason=name)
        emails.send_factor_removed(user, name)
    return names


def settle(user: User) -> None:
    """Make the user's row say whether a second factor is left; recovery codes alone are none."""
    left = user.totp_devices.filter(confirmed_at__isnull=False).exists()
    if not left:
        user.recovery_codes.all().delete()
    User.objects.filter(pk=user.pk).update(has_second_factor=left)
    user.has_second_factor = left


def make_recovery_codes(*, user_id: str, sign_in: str) -> list[str]:
    """Return new recovery codes, which replace the present ones once one of them is typed.

    Raises FactorNotFound without a device: the codes stand in for one.
    """
    codes = [new_code() for _ in range(HOW_MANY)]
    key = options().factor_keys[0]
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user_id)
        if not user.has_second_factor:
            raise FactorNotFound
        user.recovery_codes.filter(confirmed=False).delete()
        RecoveryCode.objects.bulk_create(
            RecoveryCode(user=user, hash=code_hash(code, user.pk, key), added_by=sign_in)
            for code in codes
        )
    return [shown_code(code) for code in codes]


def confirm_recovery_codes(*, user_id: str, sign_in: str, code: str) -> None:
    """Put the set of which `code` is one in force, if `sign_in` made it. Uses none up. Raises InvalidCode."""
    hashes = [code_hash(typed_code(code), user_id, key) for key in options().factor_keys]
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user_id)
        made = user.recovery_codes.filter(confirmed=False, added_by=sign_in)
        if not typed_code(code) or not made.filter(hash__in=hashes).exists():
            raise InvalidCode
        user.recovery_codes.filter(confirmed=True).delete()
        made.update(confirmed=True)
        record_change(user, Kind.RECOVERY_CODES_MADE)
        emails.send_recovery_codes_made(user)


def described_factors(user_id: Any) -> list[dict[str, Any]]:
    """Return the account's second factors without their secrets, for the owner's export."""
    return [
        {"type": "totp", "name": device.name, "added_at": device.created_at.isoformat()}
        for device in confirmed_devices(user_id)
    ]


def _good_name(name: str) -> str:
    name = name.strip() or "Authenticator app"
    try:
        validate_name(name)
    except ValidationError as error:
        raise InvalidRequest({"name": error.messages}) from None
    if len(name) > NAME_LENGTH:
        raise InvalidRequest({"name": [f"Use at most {NAME_LENGTH} characters."]})
    return name

"""Removes authenticator apps: one by its owner, or all of an account for support."""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from auth_api.api_request import ApiRequest
from auth_api.errors import FactorNotFound
from auth_api.options import options
from auth_api.security_log.kinds import Kind
from auth_api.security_log.recording import record_change
from auth_api.sessions import services as sessions
from auth_api.sessions.snapshots import fence_user
from auth_api.users import emails
from auth_api.users.factor_models import TotpDevices
from auth_api.users.models import TotpDevice, User

from .checking import forget_wrong_codes
from .demands import locked_owner


def remove_totp(*, request: ApiRequest, device_id: str) -> None:
    """Remove a device; with the last one go the recovery codes. Raises FactorNotFound, and what `locked_owner` raises.

    The device can be restored while the sign-in that removes it can be disowned. The owner has decided, so
    an earlier demand by support no longer applies.
    """
    sign_in = sessions.current_session(request).sign_in_id
    with transaction.atomic():
        user = locked_owner(request)
        device = user.totp_devices.in_use().filter(pk=device_id).first()
        if device is None:
            raise FactorNotFound
        device.removed_at, device.removed_by = timezone.now(), sign_in
        device.save(update_fields=["removed_at", "removed_by"])
        old_removed(user.totp_devices.all()).delete()
        settle(user)
        User.objects.filter(pk=user.pk).update(must_enrol=False)
        record_change(user, Kind.FACTOR_REMOVED, reason=device.name)
        emails.send_factor_removed(user, device.name)


def require_enrolment(user_id: Any, *, reason: str) -> int:
    """Remove every factor of an account and end its sessions; return how many devices it had.

    For support, when the owner has lost the devices and the recovery codes. From here on the password alone
    opens nothing: a sign-in with it may only enrol. The owner gets a mail, and nobody gets a code. Raises
    SessionStoreUnavailable: then nothing is done.
    """
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user_id)
        removed = user.totp_devices.in_use().count()
        user.totp_devices.all().delete()  # for good: somebody else may have them
        settle(user)
        User.objects.filter(pk=user.pk).update(must_enrol=True)
        fence_user(user)
        user.raise_session_epoch()
        record_change(user, Kind.ENROLMENT_REQUIRED, reason=reason)
        emails.send_enrolment_required(user)
    forget_wrong_codes(user)  # they were of the secrets that are gone
    return removed


def settle(user: User) -> None:
    """Make the user's row say whether a second factor is left; recovery codes alone are none."""
    left = user.totp_devices.in_use().exists()
    if not left:
        user.recovery_codes.all().delete()
    User.objects.filter(pk=user.pk).update(has_second_factor=left)
    user.has_second_factor = left


def prune_removed() -> int:
    """Delete devices that were removed too long ago to be restored; return how many."""
    deleted, _ = old_removed().delete()
    return deleted


def old_removed(devices: TotpDevices | None = None) -> TotpDevices:
    """Return those of `devices` (default: all) that `prune_removed` deletes."""
    found: TotpDevices = TotpDevice.objects.all() if devices is None else devices
    kept_for = timedelta(seconds=options().disown_lifetime)
    return found.filter(removed_at__lt=timezone.now() - kept_for)

"""Undoes what an intruder did to the second factors of an account (flows/recovery.py)."""

from collections.abc import Collection
from datetime import datetime

from auth_api.security_log.kinds import Kind
from auth_api.security_log.recording import record_change
from auth_api.users import emails
from auth_api.users.factor_models import TotpDevices
from auth_api.users.models import TotpDevice, User

from .removal import settle


def has_changes(user: User, *, known: Collection[str], since: datetime) -> bool:
    """Whether sign-ins other than the `known` ones added apps that count, or removed some, `since` then."""
    added = _added(user, known, since).in_use()
    return added.exists() or _removed(user, known, since).exists()


def undo_changes(user: User, *, known: Collection[str], since: datetime) -> None:
    """Remove what sign-ins other than the `known` ones enrolled `since` then, and restore what they removed.

    Recovery codes that are gone stay gone: the restored app makes new ones. Call inside a transaction that
    has locked the user.
    """
    added = _added(user, known, since)
    removed = [device.name for device in added.in_use()]
    added.delete()
    user.recovery_codes.filter(created_at__gt=since).exclude(added_by__in=known).delete()
    restored = list(_removed(user, known, since))
    TotpDevice.objects.filter(pk__in=[device.pk for device in restored]).update(
        removed_at=None, removed_by=""
    )
    settle(user)
    for name in removed:
        record_change(user, Kind.FACTOR_REMOVED, reason=name)
        emails.send_factor_removed(user, name)
    for device in restored:
        record_change(user, Kind.FACTOR_RESTORED, reason=device.name)
        emails.send_factor_restored(user, device.name)


def _added(user: User, known: Collection[str], since: datetime) -> TotpDevices:
    return user.totp_devices.filter(created_at__gt=since).exclude(added_by__in=known)


def _removed(user: User, known: Collection[str], since: datetime) -> TotpDevices:
    """Return the owner's apps that an intruder has removed."""
    removed = user.totp_devices.filter(removed_at__gt=since).exclude(removed_by__in=known)
    return removed.exclude(pk__in=_added(user, known, since).values("pk"))

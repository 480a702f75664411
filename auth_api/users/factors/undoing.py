"""Undoes what an intruder did to the second factors of an account (flows/recovery.py)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from auth_api.security_log.kinds import Kind
from auth_api.security_log.recording import record_change
from auth_api.users import emails
from auth_api.users.factor_models import TotpDevices
from auth_api.users.models import TotpDevice, User

from .removal import settle


@dataclass(frozen=True)
class Suspects:
    """Which changes are suspicious: those `since` then by other sign-ins than the `known` ones.

    Apps that they added are removed: one too many costs its owner an enrolment. Apps that they removed are
    restored, but not those that a sign-in from `before` the reported one removed: the owner may have removed a
    lost device from a new place, and whoever has found it must not get its codes back.
    """

    known: Collection[str]
    before: Collection[str]
    since: datetime


def has_changes(user: User, suspects: Suspects) -> bool:
    """Whether `suspects` added apps that count, or removed some."""
    return _added(user, suspects).in_use().exists() or _removed(user, suspects).exists()


def undo_changes(user: User, suspects: Suspects) -> None:
    """Remove the apps that `suspects` enrolled, and restore those that they removed.

    Recovery codes that are gone stay gone: the restored app makes new ones. Call inside a transaction that
    has locked the user.
    """
    added = _added(user, suspects)
    removed = [device.name for device in added.in_use()]
    added.delete()
    codes = user.recovery_codes.filter(created_at__gt=suspects.since)
    codes.exclude(added_by__in=suspects.known).delete()
    restored = list(_removed(user, suspects))
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


def _added(user: User, suspects: Suspects) -> TotpDevices:
    added = user.totp_devices.filter(created_at__gt=suspects.since)
    return added.exclude(added_by__in=suspects.known)


def _removed(user: User, suspects: Suspects) -> TotpDevices:
    """Return the owner's apps that an intruder has removed."""
    removed = user.totp_devices.filter(removed_at__gt=suspects.since)
    removed = removed.exclude(removed_by__in={*suspects.known, *suspects.before})
    return removed.exclude(pk__in=_added(user, suspects).values("pk"))

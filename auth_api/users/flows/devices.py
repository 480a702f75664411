"""Records sign-ins, and detects those from a new device or network."""

from datetime import timedelta

import structlog
from django.db import DatabaseError, InterfaceError, transaction
from django.utils import timezone

from auth_api.options import options
from auth_api.security_log.kinds import Kind
from auth_api.security_log.models import SecurityEvent
from auth_api.security_log.recording import record_at_once
from auth_api.users import emails
from auth_api.users.models import User

NEW_DEVICE = "new device"  # the reason of such a sign-in in the security log
WARNINGS_A_DAY = 10  # mails: whoever has the password can claim a new device as often as they like
_log = structlog.get_logger("auth_api.users")


def record_sign_in(*, user: User, handle: str, reason: str = "") -> None:
    """Record a sign-in, and warn the owner by mail when it came from a new device.

    New is a kind of device (browser and system, without versions) and a network (/24, or /48 of
    IPv6) that no sign-in in the security log had together; the first sign-in of a new account is
    not. Never raises on account of the database: the person has signed in.
    """
    event = record_at_once(Kind.SIGNED_IN, user.pk, handle=handle, reason=reason)
    if event is None:
        return
    try:
        if _is_new(user, event):
            _warn(user, event)
    except (DatabaseError, InterfaceError) as error:
        _log.error("mail.lost", mail="new_device", user=str(user.pk), error=type(error).__name__)


def _is_new(user: User, event: SecurityEvent) -> bool:
    sign_ins = {"user_id": user.pk, "kind": Kind.SIGNED_IN, "pk__lt": event.pk}
    if SecurityEvent.objects.filter(**sign_ins, place=event.place).exists():
        return False
    # Without any earlier one the log was pruned, unless the account is younger than the log.
    keep = timedelta(seconds=options().security_log_keep)
    return (
        SecurityEvent.objects.filter(**sign_ins).exists()
        or timezone.now() - user.date_joined > keep
    )


def _warn(user: User, event: SecurityEvent) -> None:
    day = event.at - timedelta(days=1)
    warned = user.security_events.filter(reason__endswith=NEW_DEVICE, at__gt=day).count()
    with transaction.atomic():
        event.reason = f"{event.reason}, {NEW_DEVICE}".lstrip(", ")
        event.save(update_fields=["reason"])
        if warned < WARNINGS_A_DAY:
            emails.send_new_device(user, event)
        else:
            _log.warning("mail.throttled", by="new-device", user=str(user.pk))

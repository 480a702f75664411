"""Records in the security log when a user is granted or loses a single permission."""

from typing import Any

from django.db.models.signals import m2m_changed
from django.dispatch import receiver

from auth_api.security_log.kinds import Kind
from auth_api.security_log.recording import record_change

from .models import User
from .relation_changes import relation_change


@receiver(m2m_changed, sender=User.user_permissions.through, dispatch_uid="gatehouse.permissions")
def _permissions_change(**signal: Any) -> None:
    change = relation_change("user_permissions", **signal)
    if change is None:
        return
    verb = "granted" if change.added else "removed"
    for user in change.users:
        for each in change.of(user).select_related("content_type"):
            reason = f"{verb} {each.content_type.app_label}.{each.codename}"
            record_change(user, Kind.RIGHTS_CHANGED, reason=reason)

"""Records in the security log when a user is granted or loses a single permission."""

from collections.abc import Collection
from typing import Any

from django.contrib.auth.models import Permission
from django.db.models.signals import m2m_changed
from django.dispatch import receiver

from auth_api.security_log.kinds import Kind
from auth_api.security_log.recording import record_change

from .models import User

_WORDS = {"pre_add": "granted", "pre_remove": "removed"}


@receiver(m2m_changed, sender=User.user_permissions.through, dispatch_uid="gatehouse.permissions")
def _permissions_change(
    action: str, instance: Any, reverse: bool, pk_set: Collection[Any] | None, **_: object
) -> None:
    """Django sends this inside the transaction of the change, from either side of the relation."""
    if action == "pre_clear":
        action, pk_set = "pre_remove", None
    if action not in _WORDS:
        return
    if reverse:
        users, permissions = _users_of(instance, pk_set), [instance]
    else:
        users, permissions = [instance], _permissions_of(instance, pk_set)
    for user in users:
        for each in permissions:
            reason = f"{_WORDS[action]} {each.content_type.app_label}.{each.codename}"
            record_change(user, Kind.RIGHTS_CHANGED, reason=reason)


def _users_of(permission: Permission, pks: Collection[Any] | None) -> list[User]:
    holders = User.objects.filter(user_permissions=permission) if pks is None else User.objects.filter(pk__in=pks)  # fmt: skip
    return list(holders.order_by("pk"))


def _permissions_of(user: User, pks: Collection[Any] | None) -> list[Permission]:
    found = user.user_permissions.all() if pks is None else Permission.objects.filter(pk__in=pks)
    return list(found.select_related("content_type"))

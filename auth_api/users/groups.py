"""Keeps snapshots and the security log true when somebody joins or leaves a group.

Groups are Django's. Their names are in the snapshot (`User.public_profile`), so every change fences its
users first, like a change of their rows (sessions/snapshots.py), and is seen at their next request.
"""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.signals import m2m_changed, pre_delete, pre_save
from django.dispatch import receiver

from auth_api.security_log.kinds import Kind
from auth_api.security_log.recording import record_change
from auth_api.sessions.snapshots import fence_user

from . import factor_policy
from .models import User
from .relation_changes import relation_change


def groups_named(names: Iterable[str]) -> list[Group]:
    """Return the groups with these names. Raises ValidationError for a name that no group has."""
    found = {group.name: group for group in Group.objects.filter(name__in=list(names))}
    if missing := [name for name in names if name not in found]:
        raise ValidationError(
            f"There is no group {missing[0]!r}. Create it first, in the admin or with `manage.py creategroup`."
        )
    return [found[name] for name in dict.fromkeys(names)]


@receiver(m2m_changed, sender=User.groups.through, dispatch_uid="gatehouse.groups")
def _memberships_change(**signal: Any) -> None:
    change = relation_change("groups", **signal)
    if change is None:
        return
    words = "added to group" if change.added else "removed from group"
    for user in change.users:
        names = change.of(user).order_by("name").values_list("name", flat=True)
        _change(user, (f"{words} {name}" for name in names))


@receiver(pre_save, sender=Group, dispatch_uid="gatehouse.group_renamed")
def _group_changes(instance: Group, **_: object) -> None:
    """A new name takes the members out of rules and into others. Outside a transaction, raises."""
    before = Group.objects.filter(pk=instance.pk).values_list("name", flat=True).first()
    if before is not None and before != instance.name:
        for user in _members(instance):
            _change(user, [f"group {before} renamed to {instance.name}"])
        factor_policy.group_is_lost(before)


@receiver(pre_delete, sender=Group, dispatch_uid="gatehouse.group_deleted")
def _group_ends(instance: Group, **_: object) -> None:
    for user in _members(instance):
        _change(user, [f"removed from group {instance.name}"])
    factor_policy.group_is_lost(instance.name)


def _members(group: Group) -> models.QuerySet[User]:
    return User.objects.filter(groups=group).order_by("pk")  # in one order: no deadlock


def _change(user: User, reasons: Iterable[str]) -> None:
    told = list(reasons)
    if told:
        fence_user(user)
    for reason in told:
        record_change(user, Kind.RIGHTS_CHANGED, reason=reason)

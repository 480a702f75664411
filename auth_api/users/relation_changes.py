"""Reads Django's signal that groups or single permissions of users change."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from django.db import models

from .models import User


@dataclass(frozen=True)
class RelationChange:
    """Users, and what each of them is about to get (`added`) or lose: groups or permissions."""

    added: bool
    users: Iterable[User]
    others: "models.QuerySet[Any]"

    def of(self, user: User) -> "models.QuerySet[Any]":
        """Return what really changes for `user`: nobody loses what they do not have."""
        return self.others if self.added else self.others.filter(user=user)


def relation_change(
    relation: str, *, action: str, instance: Any, reverse: bool, pk_set: Collection[Any] | None,
    **_: object,
) -> RelationChange | None:  # fmt: skip
    """Return the change of `relation` ("groups", "user_permissions"); None for signals that come after it.

    The other parameters are those of m2m_changed, which Django sends inside the transaction of the change, from
    either side. Without `pk_set`, all on the other side are meant.
    """
    if action not in ("pre_add", "pre_remove", "pre_clear"):
        return None
    if reverse:
        holders = models.Q(**{relation: instance}) if pk_set is None else models.Q(pk__in=pk_set)
        # Always in this order, so that no deadlock arises.
        users: Iterable[User] = User.objects.filter(holders).order_by("pk")
        others = type(instance)._default_manager.filter(pk=instance.pk)
    else:
        users, related = [instance], getattr(instance, relation)
        chosen = related.model._default_manager.filter(pk__in=pk_set or ())
        others = related.all() if pk_set is None else chosen
    return RelationChange(action == "pre_add", users, others)

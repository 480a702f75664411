"""Who must have a second factor, and from when (docs/decisions/0019-second-factor-policy.md).

The rule is below every way to sign in: no session is made without asking `required_step`.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import structlog
from django.contrib.auth.models import Group
from django.db import transaction
from django.utils import timezone

from auth_api.options import options
from auth_api.sessions.pending import SignInPurpose

_log = structlog.get_logger("auth_api.users")


def required_step(user: Any, *, grace: bool) -> SignInPurpose | None:
    """Return what a sign-in of `user` needs beside the password, None for nothing.

    With `grace`, a user who has none yet is let in during the days of grace, which begin here.
    """
    look_for_groups(options().second_factor_groups)
    if user.has_second_factor:
        return SignInPurpose.FACTOR
    if user.must_enrol or (_is_asked(user) and not (grace and _is_in_grace(user))):
        return SignInPurpose.ENROL
    return None


@cache
def look_for_groups(names: frozenset[str]) -> None:
    """Log those of `names` that no group has, once in each process: they ask nobody, and nothing else shows it."""
    for name in missing_groups(names):
        _say_missing(name)


def group_is_lost(name: str) -> None:
    """Log that the group is being renamed or deleted, if the policy names it."""
    if name in options().second_factor_groups:
        _say_missing(name)


def missing_groups(names: Collection[str]) -> list[str]:
    """Return those of `names` that no group has, sorted."""
    found = Group.objects.filter(name__in=list(names)).values_list("name", flat=True)
    return sorted(set(names).difference(found)) if names else []


def _say_missing(name: str) -> None:
    hint = "GATEHOUSE_SECOND_FACTOR_GROUPS names it. Correct the name, or create the group."
    _log.warning("policy.group_missing", group=name, hint=hint)


def due_at(user: Any) -> datetime | None:
    """Return until when `user` must have added a second factor; None if there is no such date."""
    began = user.second_factor_asked_at
    if began is None or user.has_second_factor or not _is_asked(user):
        return None
    return _end_of_grace(began)


def _is_asked(user: Any) -> bool:
    """Whether the policy demands a second factor of `user`."""
    policy = options()
    asked, groups = policy.second_factor, policy.second_factor_groups
    if asked == "all" or (asked == "staff" and (user.is_staff or user.is_superuser)):
        return True
    return bool(groups) and not groups.isdisjoint(user.group_names())


def _is_in_grace(user: Any) -> bool:
    if not options().second_factor_grace:
        return False
    if user.second_factor_asked_at is None:
        _begin_grace(user)
    return timezone.now() < _end_of_grace(user.second_factor_asked_at)


def _begin_grace(user: Any) -> None:
    """Store that the policy met `user` now; of parallel sign-ins the first one counts.

    The cached snapshot is not fenced: the date is days away, and shown within GATEHOUSE_CARD_LIFETIME.
    """
    rows = type(user)._default_manager.filter(pk=user.pk, second_factor_asked_at=None)
    with transaction.atomic():
        rows.update(second_factor_asked_at=timezone.now())
    user.refresh_from_db(fields=["second_factor_asked_at"])


def _end_of_grace(began: datetime) -> datetime:
    return began + timedelta(seconds=options().second_factor_grace)

"""Deletes accounts for staff."""

from collections.abc import Sequence

import structlog
from django.contrib.admin.models import DELETION, LogEntry
from django.db import transaction

from auth_api.security_log.origin import Origin, origin_of_event

from .models import User

_log = structlog.get_logger("auth_api.users")


@transaction.atomic
def delete_users(users: Sequence[User]) -> int:
    """Delete accounts with everything stored about them; return how many. For requests of staff.

    Who did it, and why, is in the admin's own history and in the structured log: the security logs go
    with the accounts. Raises SessionStoreUnavailable.
    """
    origin = origin_of_event(None)
    LogEntry.objects.log_actions(origin.actor, users, DELETION, change_message=origin.why)
    deleted = User.objects.filter(pk__in=[user.pk for user in users]).delete()[1]
    transaction.on_commit(lambda: _log_deletions(users, origin))
    return deleted.get("users.User", 0)


def _log_deletions(users: Sequence[User], origin: Origin) -> None:
    for user in users:
        _log.info("account.deleted", user=str(user.pk), actor=origin.actor, reason=origin.why)

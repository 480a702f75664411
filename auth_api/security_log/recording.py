"""Records security events, in the structured log and in the table."""

from collections.abc import Sequence
from typing import Any

import structlog
from django.db import DatabaseError, InterfaceError, transaction

from .events import Event, append, insert, insert_for_users
from .kinds import Kind, UserId
from .models import SecurityEvent
from .origin import origin_of_event, session_of_change
from .writer import writer

_log = structlog.get_logger("auth_api.security_log")
_WARNINGS = frozenset(
    {
        Kind.SIGN_IN_FAILED,
        Kind.SIGN_IN_THROTTLED,
        Kind.CODE_REFUSED,
        Kind.CODES_THROTTLED,
        Kind.VERIFICATION_FAILED,
        Kind.DISOWNED,
        Kind.ADDRESS_RESTORED,
        Kind.FACTOR_RESTORED,
    }
)


def record_change(user: Any, kind: Kind, *, reason: str = "") -> SecurityEvent:
    """Record a change of `user`'s account, in the transaction that makes it.

    There is no change without its event: when it cannot be written, the change fails too. The
    structured log gets it at the commit. Call inside `transaction.atomic()`. Returns the row.
    """
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("record_change needs transaction.atomic()")
    origin = origin_of_event(user.pk)
    handle = session_of_change() if origin.by == "owner" else ""
    event = Event(kind, origin, user_id=user.pk, handle=handle, reason=reason)
    row = insert(event)
    transaction.on_commit(lambda: _log_event(event, {}))
    return row


def record_for_each(kind: Kind, user_ids: Sequence[UserId]) -> None:
    """Record the same event of many users, in the transaction that makes it happen.

    The structured log gets one line for all of them, at the commit.
    """
    event = Event(kind, origin_of_event(None))
    insert_for_users(user_ids, event)
    transaction.on_commit(lambda: _log_event(event, {"users": len(user_ids)}))


def record_event(
    kind: Kind, user_id: UserId | None = None, *, account: str = "", handle: str = "", reason: str = "",
    **fields: Any,
) -> None:  # fmt: skip
    """Record what happened beside the database; it is written soon after, by another thread.

    The answer neither waits for the table nor fails with it. `user_id`, or `account` (a canonical
    address, known or not) when the user was not looked up; `fields` are for the structured log only.
    """
    event = Event(kind, origin_of_event(user_id), user_id, account, handle, reason)
    _log_event(event, fields)
    if user_id or account:
        writer.add(event)


def record_at_once(
    kind: Kind, user_id: UserId, *, handle: str = "", reason: str = ""
) -> SecurityEvent | None:
    """Like record_event, but return the row; None when it has to be written later."""
    event = Event(kind, origin_of_event(user_id), user_id, handle=handle, reason=reason)
    _log_event(event, {})
    try:
        return append(event)
    except (DatabaseError, InterfaceError) as error:
        _log.error("security_log.waits", events=1, error=type(error).__name__)
        writer.add(event)
        return None


def _log_event(event: Event, more: dict[str, Any]) -> None:
    actor, reason = event.origin.actor, event.full_reason
    fields = {"handle": event.handle, "reason": reason, "actor": actor, **more}
    given = {name: value for name, value in fields.items() if value}
    log = _log.warning if event.kind in _WARNINGS else _log.info
    log(str(event.kind), user=str(event.user_id) if event.user_id else None, **given)

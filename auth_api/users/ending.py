"""Ends the sessions of one user, or of everybody in batches, and records it."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import InterfaceError, OperationalError, close_old_connections, transaction

from auth_api.security_log.kinds import Kind
from auth_api.security_log.recording import record_event, record_for_each
from auth_api.sessions import services as sessions
from auth_api.sessions.exceptions import SessionStoreUnavailable
from auth_api.sessions.redis.backend import backend
from auth_api.sessions.snapshots import BATCH

from .models import User

_TRIES = 3  # of one batch: a lock or a failover may be over soon
_PAUSE = 1.0  # seconds before the next try
_PASSING = (SessionStoreUnavailable, OperationalError, InterfaceError)


@dataclass(frozen=True)
class EndedBatch:
    """Users whose sessions are over: their number, how many sessions lived, and the last id."""

    users: int
    sessions: int
    last: UUID


def end_sessions_of(user: User) -> int:
    """End every session of `user`; return how many lived. Raises SessionStoreUnavailable."""
    ended = sessions.end_all_sessions(user)
    record_event(Kind.ALL_ENDED, user.pk, count=ended)
    return ended


def end_session_of(user: User, handle: str) -> bool:
    """End one session of `user`; return False if there is none with this handle."""
    ended = backend.end_by_handle(user.session_ref, handle)
    if ended:
        record_event(Kind.SESSION_ENDED, user.pk, handle=handle)
    return ended


def end_sessions_of_everybody(after: UUID | None = None) -> Iterator[EndedBatch]:
    """End every session of every user, by id and in batches; each yielded batch is final.

    `after`: the last id of an earlier run that stopped. Keeps no cursor open between batches: SQLite
    would refuse the writes beside it, and a pooler may give the next statement to another server.
    Raises SessionStoreUnavailable or a database error.
    """
    while pks := _next_users(after):
        yield EndedBatch(len(pks), _tried(pks), pks[-1])
        after = pks[-1]


def _next_users(after: UUID | None) -> list[UUID]:
    users = User.objects.order_by("pk").values_list("pk", flat=True)
    return list((users.filter(pk__gt=after) if after else users)[:BATCH])


@transaction.atomic
def end_sessions_of_users(pks: Sequence[UUID]) -> int:
    """End every session of these users, in one transaction; return how many lived.

    Raises SessionStoreUnavailable.
    """
    ended = sessions.end_sessions_of_users(pks)
    record_for_each(Kind.ALL_ENDED, pks)  # locked by now: none of them can be deleted meanwhile
    return ended


def _tried(pks: Sequence[UUID]) -> int:
    for left in reversed(range(_TRIES)):
        try:
            return end_sessions_of_users(pks)
        except _PASSING:
            if not left:
                raise
        time.sleep(_PAUSE)
        close_old_connections()
    raise AssertionError("unreachable")

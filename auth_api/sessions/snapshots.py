"""Snapshots: the user data that validation needs, cached in Redis.

The database owns the epoch. A change of a user row goes in three steps: fence the snapshot (from here
every validation reads the database), commit, push the new snapshot. A push that is lost leaves the
fence, and a fence that runs out leaves no snapshot: both make validation ask the database. So there is
no moment after the commit at which an old epoch is accepted.

Redis may lose its latest writes, and with them fences and snapshots. So a snapshot counts only in the
run of the store (redis/held.py) that was known before its row was read.
"""

import json
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple, Protocol

import structlog
from django.contrib.auth import get_user_model
from django.db import DatabaseError, InterfaceError, transaction
from django.db.models import Prefetch

from auth_api import deadline
from auth_api.options import options
from auth_api.sessions.codec import session_codec
from auth_api.sessions.exceptions import SessionStoreUnavailable
from auth_api.sessions.records import UserSnapshot
from auth_api.sessions.redis.backend import NewSnapshot, backend
from auth_api.sessions.redis.revocations import announce_all_revoked, announce_revoked

BATCH = 1000  # users whose fences, or snapshots, go to Redis in one go

_log = structlog.get_logger("auth_api.sessions")


class SessionUser(Protocol):
    """What the engine needs of a user."""

    pk: Any
    session_ref: str
    session_epoch: int

    @property
    def may_have_sessions(self) -> bool:
        """Whether the account is neither deactivated nor to be deleted."""
        ...

    def public_profile(self) -> dict[str, Any]:
        """Return what a snapshot keeps of the user: JSON values."""
        ...


class Fence(NamedTuple):
    """A fence of ours: its nonce, and the store's run in which it stands."""

    nonce: bytes
    run: bytes


def make_snapshot(user: SessionUser) -> UserSnapshot:
    """Return the snapshot of `user` as its row was read."""
    profile = json.dumps(user.public_profile(), separators=(",", ":"), ensure_ascii=False)
    return UserSnapshot(user.session_epoch, user.may_have_sessions, profile)


def read_snapshot(ref: str, run: bytes) -> UserSnapshot | None:
    """Return the snapshot as the database has it now, and cache it unless a change is under way.

    `run` is the present run of the store.
    """
    user = get_user_model()._default_manager.filter(session_ref=ref).first()
    if user is None:
        return None
    snapshot = make_snapshot(user)
    sealed = session_codec().seal_snapshot(ref, snapshot)
    with suppress(SessionStoreUnavailable):  # the answer is known; the next one asks again
        backend.put_snapshot(ref, sealed, lifetime=options().card_lifetime, run=run)
    return snapshot


def fence_user(user: SessionUser) -> None:
    """Keep validation honest while `user`'s row changes.

    Call inside `transaction.atomic()`, before the row is written. Raises SessionStoreUnavailable
    when Redis cannot be fenced: then the transaction must roll back, since an ended session could
    live on.
    """
    _require_transaction()
    # One change of a user at a time: a second fence would replace ours, and its push lift both.
    users = get_user_model()._default_manager.select_for_update()
    users.filter(pk=user.pk).values_list("pk").first()
    _fence([user.session_ref])


def fence_locked_users(refs: Sequence[str]) -> None:
    """Like `fence_user` for many users, by their session refs.

    The caller's transaction has locked their rows (`select_for_update`) and has changed none yet.
    """
    _require_transaction()
    for start in range(0, len(refs), BATCH):
        _fence(refs[start : start + BATCH])


def _require_transaction() -> None:
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("a fence needs transaction.atomic()")


def _fence(refs: Sequence[str]) -> None:
    nonces = [(ref, secrets.token_bytes(16)) for ref in refs]
    runs = backend.fence_snapshots(nonces, lifetime=options().fence_lifetime)
    fences = {ref: Fence(nonce, run) for (ref, nonce), run in zip(nonces, runs, strict=True)}
    # The commit is the call's effect: nothing after it may end in "try again".
    transaction.on_commit(deadline.decided)
    transaction.on_commit(partial(_push_snapshots, fences))


def _push_snapshots(fences: Mapping[str, Fence]) -> None:
    """Replace our fences by the new snapshots, and announce the change. Never raises: it is committed."""
    refs = list(fences)
    try:
        # Deleted users are not found: their fences run out, and the database knows no such user.
        users = get_user_model()._default_manager.filter(session_ref__in=refs)
        # Their profiles name their groups: one query for all of them, if there are several. Into lists: a
        # manager for each user would take a sixth of the time of "end all".
        groups = Prefetch("groups", to_attr="listed_groups")
        found = users.prefetch_related(groups) if len(refs) > 1 else users
        new = [_new_snapshot(user, fences[user.session_ref]) for user in found]
        backend.put_snapshots(new, lifetime=options().card_lifetime)
    except (SessionStoreUnavailable, DatabaseError, InterfaceError):
        # heals itself: the fences stand, then run out
        _log.warning("snapshot.push_lost", ref=refs[0], users=len(refs))
    # Whether sessions ended or a name changed: open pages look again.
    if len(refs) == 1:
        announce_revoked(refs[0])
    else:
        announce_all_revoked(refs)


def _new_snapshot(user: SessionUser, fence: Fence) -> NewSnapshot:
    sealed = session_codec().seal_snapshot(user.session_ref, make_snapshot(user))
    return NewSnapshot(user.session_ref, sealed, fence.run, fence.nonce)


def erase_sessions(ref: str) -> None:
    """Leave nothing of a user who is no more, but the fence, which runs out.

    The sessions are dead already: the database knows no such user. So when Redis is away now,
    the records run out by themselves.
    """
    try:
        backend.erase(ref)
    except SessionStoreUnavailable:
        _log.warning("sessions.not_erased", ref=ref)

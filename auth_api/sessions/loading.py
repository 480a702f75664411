"""Loads a session with one call to Redis, and from the database if there is no usable snapshot."""

from typing import NamedTuple

import structlog

from auth_api import deadline
from auth_api.database.limits import VALIDATION_TIMEOUT
from auth_api.options import options
from auth_api.sessions.redis.answers import Absent, Ended, NeedsSnapshot, Valid
from auth_api.sessions.redis.backend import NEWER_RELEASE, backend

from .codec import SessionCodec, Unreadable, session_codec
from .exceptions import EndReason, SessionStoreUnavailable
from .records import (
    DamagedRecord,
    NewerRecord,
    SessionRecord,
    SignIn,
    UserSnapshot,
    ValidSession,
)
from .snapshots import read_snapshot
from .tokens import SessionToken

_log = structlog.get_logger("auth_api.sessions")


class OpenedRecord(NamedTuple):
    """A record with both sealed parts opened."""

    record: SessionRecord
    sign_in: SignIn
    payload: bytes


def load_session(
    token: SessionToken | None, *, slide: bool, admin: bool
) -> ValidSession | Ended | Absent:
    """Return the session of `token`: valid, over, or absent.

    `slide` moves the idle clock; `admin` is whether it must be a session of the admin's door. Raises
    SessionStoreUnavailable when nobody can tell.
    """
    if token is None:
        return Absent()
    interval = options().slide_interval if slide else 0
    found = backend.validate(token.ref, token.id_hash, slide_interval=interval, admin=admin)
    if not isinstance(found, Valid | NeedsSnapshot):
        return found
    codec = session_codec()
    opened = open_record(codec, token, found.record)
    if isinstance(opened, Ended):
        return opened
    if not opened.record.header.bound:
        return ValidSession(token, *opened, None, found.now)
    run = found.run if isinstance(found, NeedsSnapshot) else b""  # unreadable: keep what is cached
    cached = _cached_snapshot(codec, token.ref, found)
    snapshot = cached or _fresh_snapshot(token.ref, opened.record, run)
    if isinstance(snapshot, Ended):
        return snapshot
    return ValidSession(token, *opened, snapshot, found.now)


def latest_payload(valid: ValidSession) -> bytes:
    """Return the payload as Redis has it now, also if the session was ended since it was found valid.

    Another request may have written it. If the record is gone, it is the one that was found.
    """
    token = valid.token
    [value] = backend.records(token.ref, [token.id_hash])
    opened = open_record(session_codec(), token, value) if value else None
    return opened.payload if isinstance(opened, OpenedRecord) else valid.payload


def open_record(codec: SessionCodec, token: SessionToken, value: bytes) -> OpenedRecord | Ended:
    """Open a stored record. Deletes a damaged one; keeps one that our keys do not open.

    Raises SessionStoreUnavailable for a record of a newer release.
    """
    try:
        record = SessionRecord.unpack(value)
        sign_in = codec.open_sign_in(token.ref, token.id_hash, record.header, record.body)
        payload = codec.open_payload(token, record.header, record.body)
    except NewerRecord:
        raise SessionStoreUnavailable(NEWER_RELEASE) from None
    except DamagedRecord:
        _log.error("record.damaged", handle=token.handle, size=len(value))
        backend.end(token.ref, token.id_hash)
        return Ended(EndReason.DAMAGED)
    except Unreadable:
        # Either a key is missing, and the operator can restore it, or the record was tampered with.
        hint = "Check GATEHOUSE_SESSION_KEYS: a key may be missing."
        _log.error("record.unreadable", handle=token.handle, hint=hint)
        return Ended(EndReason.UNREADABLE)
    return OpenedRecord(record, sign_in, payload)


def _cached_snapshot(
    codec: SessionCodec, ref: str, found: Valid | NeedsSnapshot
) -> UserSnapshot | None:
    """Return the snapshot that Redis had; None if the database must be asked."""
    if isinstance(found, NeedsSnapshot) or found.snapshot is None:
        return None
    try:
        return codec.open_snapshot(ref, found.snapshot)
    except Unreadable:  # sealed by a key that is gone, or forged: the database knows
        return None


def _fresh_snapshot(ref: str, record: SessionRecord, run: bytes) -> UserSnapshot | Ended:
    """Return the snapshot as the database has it now, and whether the session is over by it.

    Raises DatabaseError, soon, when it cannot be asked: then nobody can tell.
    """
    with deadline.within(VALIDATION_TIMEOUT):
        snapshot = read_snapshot(ref, run)
    if snapshot is None or not snapshot.active:
        return Ended(EndReason.INACTIVE)
    if snapshot.epoch != record.header.epoch:
        return Ended(EndReason.EPOCH)
    return snapshot

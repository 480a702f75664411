"""Starts, lists and ends sessions, for the API, the admin and commands."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest

from auth_api.options import options
from auth_api.sessions.redis.backend import backend

from .assurance import Assurance, assurance_of
from .codec import Unreadable, session_codec
from .exceptions import (
    EndReason,
    NoSession,
    ReauthenticationRequired,
    SessionEnded,
    SessionNotFound,
    SessionStoreUnavailable,
)
from .pending import PendingSignIn
from .records import FORMAT_1, NewSession, SessionRecord, Shown, ValidSession
from .site_data import SiteChange, site_data_of
from .snapshots import fence_user
from .store import SessionStore
from .summaries import SessionSummary
from .tokens import HANDLE_LENGTH

_LIST_BATCH = 500


@dataclass(frozen=True)
class CurrentSession:
    """The session that made this request."""

    session: SessionSummary
    sign_in_id: str  # kept through renewals, which change the handle
    user_json: str = field(repr=False)
    shown: tuple[
        Shown, ...
    ] = ()  # each method once, and when; 0 for a factor that no longer counts
    payload: bytes = field(default=b"", repr=False)
    epoch: int = 0  # of the user, when the session was found valid

    @classmethod
    def of(cls, valid: ValidSession) -> "CurrentSession":
        """Describe a valid session of a user. Raises NoSession for one of nobody."""
        if valid.snapshot is None:
            raise NoSession
        record, sign_in = valid.record, valid.sign_in
        if record.was_idle:
            sign_in = sign_in.after_idleness()
        summary = SessionSummary.of(
            record, sign_in, handle=valid.token.handle, current=True, now=valid.now
        )
        profile = valid.snapshot.profile_json
        epoch = record.header.epoch
        return cls(summary, valid.sign_in_id, profile, sign_in.shown, valid.payload, epoch)

    @cached_property
    def user(self) -> dict[str, Any]:
        """The user as API answers show them."""
        profile: dict[str, Any] = json.loads(self.user_json)
        return profile

    @property
    def site_data(self) -> dict[str, Any]:
        """What the site keeps in the session; only for the site itself."""
        return site_data_of(self.payload)


def start_session(
    request: HttpRequest,
    user: Any,
    *,
    remember: bool,
    methods: Sequence[str],
    before: CurrentSession | None = None,
) -> CurrentSession:
    """Sign `user` in: a new session for this browser; its old one is ended.

    `methods` were used just now; `before` is the session that this one continues, with the site's data in it.
    The response sets the cookie. Raises FactorRequired, SessionLimitReached, SessionStoreUnavailable, or
    SessionEnded when the user's sessions were ended while the password was being checked.
    """
    new = NewSession(
        remember,
        tuple(methods),
        before.sign_in_id if before else "",
        before.shown if before else (),
    )
    return CurrentSession.of(_store(request).sign_in(user, new))


def complete_sign_in(
    request: HttpRequest, user: Any, pending: PendingSignIn, *, method: str, sign_in_id: str = ""
) -> CurrentSession:
    """Start the session of a pending sign-in, whose second factor was `method`; this uses it up.

    `user` was read after the password was checked. `sign_in_id`: if the sign-in has one already.
    Raises NoPendingSignIn if another request completed it, and as `start_session`.
    """
    if user.session_epoch != pending.epoch:
        raise SessionEnded(EndReason.EPOCH)
    new = NewSession(
        pending.remember, (method,), sign_in_id, shown=pending.shown, pending=pending.token.id_hash
    )
    return CurrentSession.of(_store(request).sign_in(user, new))


def current_session(request: HttpRequest, *, slide: bool = True) -> CurrentSession:
    """Return the request's session; one round trip.

    `slide` False leaves the idle clock alone (polling). Raises NoSession, SessionEnded,
    SessionStoreUnavailable.
    """
    return CurrentSession.of(_store(request).current(slide=slide))


def end_session(request: HttpRequest) -> None:
    """Sign this browser out; quiet when it is not signed in."""
    _store(request).sign_out()


def leave_ended_session(request: HttpRequest) -> None:
    """Sign this browser out after a commit that has ended its session. Never raises: that is done."""
    try:
        end_session(request)
    except SessionStoreUnavailable:  # the record is dead by its epoch and runs out by itself
        _store(request).forget()


def change_site_data(request: HttpRequest, change: SiteChange) -> None:
    """Store what the site has changed of its data; no use of the session.

    Raises NoSession, SessionEnded, SessionStoreUnavailable, SiteDataTooLarge, TypeError.
    """
    _store(request).change_site_data(change)


def list_sessions(request: HttpRequest) -> list[SessionSummary]:
    """Return the live sessions of the request's user, this one first, then by last use."""
    valid = _store(request).current()
    epoch, handle = valid.record.header.epoch, valid.token.handle
    found = _summaries(valid.token.ref, epoch, current=handle, now=valid.now)
    return sorted(found, key=lambda s: (s.current, s.last_seen_at), reverse=True)


def sessions_of(user: Any) -> list[SessionSummary]:
    """Return the live sessions of `user`, for staff, by last use."""
    ref = user.session_ref
    found = _summaries(ref, user.session_epoch, current="", now=backend.now(ref))
    return sorted(found, key=lambda s: s.last_seen_at, reverse=True)


def counts_of(users: Sequence[Any]) -> list[int]:
    """Return how many sessions of each of `users` live, in one go. Raises SessionStoreUnavailable."""
    return backend.counts([user.session_ref for user in users])


def end_session_by_handle(request: HttpRequest, handle: str) -> None:
    """End one of the user's own sessions. Raises SessionNotFound for any other handle."""
    store = _store(request)
    token = store.current().token
    if not backend.end_by_handle(token.ref, handle):
        raise SessionNotFound
    if handle == token.handle:
        store.sign_out()


def end_other_sessions(request: HttpRequest) -> int:
    """End every session of the user but this one, in one step; return how many."""
    token = _store(request).current().token
    ended = backend.end_others(token.ref, token.id_hash)
    if ended is None:
        raise SessionEnded(EndReason.ENDED)
    return ended


def end_all_sessions(user: Any) -> int:
    """End every session of `user` by raising the epoch: final and O(1). Return how many lived."""
    ended = backend.count(user.session_ref)
    with transaction.atomic():
        locked = get_user_model()._default_manager.select_for_update().get(pk=user.pk)
        fence_user(locked)
        locked.raise_session_epoch()
    user.session_epoch = locked.session_epoch
    return ended


def end_sessions_of_users(pks: Sequence[Any]) -> int:
    """End every session of many users as `end_all_sessions` does, in one transaction.

    Final for all of them when it returns; takes a few commands to Redis for each BATCH of them
    (snapshots.py). Return how many lived.
    """
    users = get_user_model()._default_manager.filter(pk__in=pks)
    ended = sum(backend.counts(list(users.values_list("session_ref", flat=True))))
    users.update(session_epoch=F("session_epoch") + 1)
    return ended


def require_recent_authentication(request: HttpRequest) -> None:
    """Raise ReauthenticationRequired unless the user authenticated within the last minutes.

    Uses Redis' clock and the sealed times. A record of format 1 has none, so its user must
    authenticate again, unless GATEHOUSE_RECORD_FORMAT is still 1.
    """
    valid = _store(request).current()
    shown_at = valid.sign_in.last_shown_at
    if options().record_format == FORMAT_1:
        shown_at = valid.record.header.authenticated_at
    if valid.now - shown_at > options().recent_authentication:
        raise ReauthenticationRequired


def current_assurance(request: HttpRequest) -> Assurance:
    """Return the level of the request's session. Raises what `current_session` raises."""
    valid = _store(request).current()
    return assurance_of(valid.record, valid.sign_in, valid.now)


def renew_session(request: HttpRequest, *, methods: Sequence[str]) -> CurrentSession:
    """Give the session a new secret and restart both clocks, after the user authenticated by `methods`."""
    store = _store(request)
    store.current()
    store.renew(shown=methods)
    return CurrentSession.of(store.current())


def _store(request: HttpRequest) -> SessionStore:
    store = request.session
    if not isinstance(store, SessionStore):
        raise TypeError("the session engine needs its own SessionMiddleware")
    return store


def _summaries(ref: str, epoch: int, *, current: str, now: int) -> list[SessionSummary]:
    codec = session_codec()
    id_hashes = backend.live_id_hashes(ref)
    found = []
    for start in range(0, len(id_hashes), _LIST_BATCH):
        batch = id_hashes[start : start + _LIST_BATCH]
        for id_hash, value in zip(batch, backend.records(ref, batch), strict=True):
            if value is None:
                continue
            try:
                record = SessionRecord.unpack(value)
                sign_in = codec.open_sign_in(ref, id_hash, record.header, record.body)
            except (Unreadable, ValueError):
                continue
            if record.header.epoch == epoch:
                handle = id_hash[:HANDLE_LENGTH]
                is_current = handle == current
                found.append(
                    SessionSummary.of(record, sign_in, handle=handle, current=is_current, now=now)
                )
    return found

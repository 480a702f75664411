"""What the API, the admin and the commands do with sessions."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.http import HttpRequest

from auth_api.options import options
from auth_api.sessions import snapshots as cards
from auth_api.sessions.redis.backend import backend

from .codec import Unreadable
from .exceptions import NoSession, ReauthenticationRequired, SessionEnded, SessionNotFound
from .login import login_data
from .records import FORMAT_1, SessionRecord, SessionSummary, ValidSession
from .store import SessionStore
from .tokens import HANDLE_LENGTH, SessionToken

_LIST_BATCH = 500


@dataclass(frozen=True)
class CurrentSession:
    """The session that made this request."""

    session: SessionSummary
    sign_in_id: str  # kept through renewals, which change the handle
    user_json: str = field(repr=False)

    @cached_property
    def user(self) -> dict[str, Any]:
        profile: dict[str, Any] = json.loads(self.user_json)
        return profile


def start_session(
    request: HttpRequest,
    user: Any,
    *,
    remember: bool,
    methods: Sequence[str],
    sign_in_id: str = "",
) -> CurrentSession:
    """Sign `user` in: a new session for this browser; its old one is ended.

    `methods` were used just now; `sign_in_id` is the id of the session that this one continues. The
    response sets the cookie. Raises SessionLimitReached, SessionStoreUnavailable, or
    SessionEnded when the user's sessions were ended while the password was being checked.
    """
    store = _store(request)
    old = store.token
    store._session_key = None
    store.valid = None
    store._session_cache = login_data(user)
    store.remember, store.methods, store.continues = remember, tuple(methods), sign_in_id
    store.create()
    new = _token(store)
    if old is not None:
        # The same user: what is open in this browser goes on (a changed password, for one).
        backend.end(old.ref, old.id_hash, renewed=new.id_hash if new.ref == old.ref else "")
    store.accessed, store.modified = True, False  # it is saved; the cookie follows the new key
    return _current(store, store.valid)


def current_session(request: HttpRequest, *, slide: bool = True) -> CurrentSession:
    """Return the request's session; one round trip.

    `slide` False leaves the idle clock alone (polling). Raises NoSession, SessionEnded,
    SessionStoreUnavailable.
    """
    store = _store(request)
    return _current(store, _validated(store, slide=slide))


def end_session(request: HttpRequest) -> None:
    """Sign this browser out; quiet when it is not signed in."""
    store = _store(request)
    store.delete(store.session_key or store.sent_key)
    store.unreadable = False  # its cookie goes, too
    store._session_key = None
    store._session_cache = {}
    store.valid = None
    store.accessed = store.modified = True


def list_sessions(request: HttpRequest) -> list[SessionSummary]:
    """Return the live sessions of the request's user, this one first, then by last use."""
    store = _store(request)
    valid = _validated(store)
    token = _token(store)
    found = _summaries(token.ref, valid.record.header.epoch, current=token.handle)
    return sorted(found, key=lambda s: (s.current, s.last_seen_at), reverse=True)


def end_session_by_handle(request: HttpRequest, handle: str) -> None:
    """End one of the user's own sessions. Raises SessionNotFound for any other handle."""
    store = _store(request)
    _validated(store)
    if not backend.end_by_handle(_token(store).ref, handle):
        raise SessionNotFound
    if handle == _token(store).handle:
        end_session(request)


def end_other_sessions(request: HttpRequest) -> int:
    """End every session of the user but this one, in one step; return how many."""
    store = _store(request)
    _validated(store)
    token = _token(store)
    ended = backend.end_others(token.ref, token.id_hash)
    if ended is None:
        raise SessionEnded("ended")
    return ended


def end_all_sessions(user: Any) -> int:
    """End every session of `user` by raising the epoch: final and O(1). Return how many lived."""
    ended = backend.count(user.session_ref)
    with transaction.atomic():
        locked = get_user_model()._default_manager.select_for_update().get(pk=user.pk)
        cards.guard_card(locked)
        locked.raise_session_epoch()
    user.session_epoch = locked.session_epoch
    return ended


def require_recent_authentication(request: HttpRequest) -> None:
    """Raise ReauthenticationRequired unless the user authenticated within the last minutes.

    Uses Redis' clock and the sealed times. A record of format 1 has none, so its user must
    authenticate again, unless GATEHOUSE_RECORD_FORMAT is still 1.
    """
    store = _store(request)
    valid = _validated(store)
    shown_at = valid.sign_in.last_shown_at
    if options().record_format == FORMAT_1:
        shown_at = valid.record.header.authenticated_at
    if backend.now(_token(store).ref) - shown_at > options().recent_authentication:
        raise ReauthenticationRequired


def renew_session(request: HttpRequest, *, methods: Sequence[str]) -> CurrentSession:
    """Give the session a new secret and restart both clocks, after the user authenticated by `methods`."""
    store = _store(request)
    _validated(store)
    store.renew(shown=methods)
    store.modified = False
    return _current(store, store.valid)


def _store(request: HttpRequest) -> SessionStore:
    store = request.session
    if not isinstance(store, SessionStore):
        raise TypeError("the session engine needs its own SessionMiddleware")
    return store


def _validated(store: SessionStore, *, slide: bool = True) -> ValidSession:
    """Validate as a user's session. A dead one is forgotten, so that its cookie gets expired."""
    store.accessed = True
    if store.valid is None:
        store.slide = slide
        try:
            store.validate()
        except (NoSession, SessionEnded):
            store._session_key = None
            store._session_cache = {}
            raise
    if store.valid is None or not store.valid.record.header.bound:
        raise NoSession
    return store.valid


def _token(store: SessionStore) -> SessionToken:
    if store.token is None:
        raise NoSession
    return store.token


def _current(store: SessionStore, valid: ValidSession | None) -> CurrentSession:
    if valid is None or valid.card is None:
        raise NoSession
    handle = _token(store).handle
    summary = SessionSummary.of(valid.record, valid.sign_in, handle=handle, current=True)
    return CurrentSession(summary, store.sign_in_id, valid.card.profile_json)


def _summaries(ref: str, epoch: int, *, current: str) -> list[SessionSummary]:
    codec = cards.codec()
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
            handle = id_hash[:HANDLE_LENGTH]
            if record.header.epoch == epoch:
                found.append(
                    SessionSummary.of(record, sign_in, handle=handle, current=handle == current)
                )
    return found

"""Stores new sessions and changes of existing ones, and merges concurrent writes."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from django.contrib.sessions.backends.base import CreateError

from auth_api.options import options
from auth_api.sessions.redis.answers import (
    Absent,
    ClockDiffers,
    Conflict,
    Consumed,
    Ended,
    LimitReached,
    Save,
    Stored,
)
from auth_api.sessions.redis.backend import backend

from .codec import session_codec
from .devices import device_name
from .exceptions import (
    EndReason,
    FactorRequired,
    NoPendingSignIn,
    SessionEnded,
    SessionLimitReached,
    SessionStoreUnavailable,
)
from .loading import OpenedRecord, open_record
from .payloads import pack_payload, unpack_payload
from .pending import SignInPurpose
from .records import (
    Client,
    Flag,
    Header,
    NewSession,
    SessionRecord,
    Shown,
    SignIn,
    ValidSession,
)
from .snapshots import make_snapshot
from .timeouts import timeouts
from .tokens import SessionToken

Data = dict[str, Any]

_MERGE_TRIES = 20
_CLOCK_TRIES = 3


def data_of(valid: ValidSession) -> dict[str, Any]:
    """Return the data of a session as a new dictionary."""
    return unpack_payload(valid.payload, valid.record.header.epoch)


def merged(base: Data, mine: Data, current: Data) -> Data:
    """Return `current` with what `mine` changed or deleted since `base`."""
    changed = {key: value for key, value in mine.items() if key not in base or base[key] != value}
    kept = {key: value for key, value in current.items() if key in mine or key not in base}
    return {**kept, **changed}


def create_session(
    data: dict[str, Any], user: Any, *, new: NewSession, client: Client, admin: bool, run: bytes
) -> ValidSession:
    """Store `data` under a new token: a session of `user`, or of nobody if that is None.

    `run` is a run of the store (redis/held.py) that was known before `user` was read.
    Every session of every door is made here, so here stands the rule of the second factor.
    Raises FactorRequired, NoPendingSignIn, SessionLimitReached, SessionStoreUnavailable, CreateError,
    and SessionEnded if the user's sessions were ended since the row was read.
    """
    if user is not None:
        _require_step(user, new, admin=admin)
    token = SessionToken.new(user.session_ref if user else None)
    snapshot = make_snapshot(user) if user else None
    sealed = session_codec().seal_snapshot(token.ref, snapshot) if snapshot else b""
    epoch = snapshot.epoch if snapshot else None
    for _ in range(_CLOCK_TRIES):
        header = _new_header(data, new, epoch, admin=admin, now=backend.now(token.ref))
        sign_in = _new_sign_in(token, header, new, client)
        payload = pack_payload(data, header.epoch)
        answer = backend.create(
            token.ref,
            token.id_hash,
            header.pack(),
            session_codec().seal_record(token, header, sign_in, payload),
            limit=options().session_limit,
            policy=options().session_limit_policy,
            snapshot=sealed,
            snapshot_lifetime=options().card_lifetime,
            run=run,
            pending=new.pending,
        )
        if not isinstance(answer, ClockDiffers):
            break
    match answer:
        case Stored(record):
            stored = SessionRecord.unpack(record)
            return ValidSession(token, stored, sign_in, payload, snapshot, stored.last_seen_at)
        case LimitReached():
            raise SessionLimitReached
        case Ended(reason):
            raise SessionEnded(reason)
        case Consumed():
            raise NoPendingSignIn
        case ClockDiffers():
            raise SessionStoreUnavailable("clock")
    raise CreateError


def _require_step(user: Any, new: NewSession, *, admin: bool) -> None:
    """Raise FactorRequired unless `new` has shown what `user` must show; the admin grants no days of grace.

    A factor that was shown earlier, and is removed since, does not stand in for the one that must be added.
    """
    step = user.required_step(grace=not admin)
    if step is SignInPurpose.ENROL or (step and not new.has_second_factor):
        raise FactorRequired


def update_session(
    valid: ValidSession,
    change: Callable[[Data], Data],
    *,
    new_token: SessionToken,
    shown: Sequence[str] = (),
    is_use: bool = True,
) -> tuple[ValidSession, Data]:
    """Write what `change` makes of the data that Redis has now; return the session and its data.

    When another request was faster, the write is tried again on what that one wrote. `shown`: the
    methods by which the user has just authenticated; if any, both clocks restart. `is_use` False leaves
    the idle clock alone. Raises SessionEnded, SessionStoreUnavailable if the session lives but could
    not be written, and what `change` raises.
    """
    token = valid.token
    current = data_of(valid)
    seen = OpenedRecord(valid.record, valid.sign_in, valid.payload)
    for _ in range(_MERGE_TRIES):
        data = change(current)
        now = backend.now(token.ref) if shown else 0
        header = _next_header(data, seen.record.header, now=now)
        sign_in = _next_sign_in(seen, token, shown, header.authenticated_at)
        payload = pack_payload(data, header.epoch)
        answer = backend.save(
            token.ref,
            token.id_hash,
            seen.record.revision,
            header.pack(),
            session_codec().seal_record(new_token, header, sign_in, payload),
            new_id_hash=new_token.id_hash,
            is_use=is_use,
        )
        if isinstance(answer, Stored):
            return _saved(valid, new_token, answer, sign_in, payload), data
        if isinstance(answer, Conflict):
            seen = _still_open(open_record(session_codec(), token, answer.record))
            current = unpack_payload(seen.payload, seen.record.header.epoch)
        else:
            _require_alive(answer)
    raise SessionStoreUnavailable("clock" if isinstance(answer, ClockDiffers) else "conflict")


def _saved(
    before: ValidSession, token: SessionToken, answer: Stored, sign_in: SignIn, payload: bytes
) -> ValidSession:
    record = SessionRecord.unpack(answer.record)
    return before._replace(
        token=token, record=record, sign_in=sign_in, payload=payload, now=record.last_seen_at
    )


def _still_open(opened: OpenedRecord | Ended) -> OpenedRecord:
    if isinstance(opened, Ended):
        raise SessionEnded(opened.reason)
    return opened


def _require_alive(answer: Save) -> None:
    match answer:
        case Absent():
            raise SessionEnded(EndReason.ENDED)
        case Ended(reason):
            raise SessionEnded(reason)


def _new_header(
    data: dict[str, Any], new: NewSession, epoch: int | None, *, admin: bool, now: int
) -> Header:
    """Return the header of a new session. `epoch` None: not bound to a user. `now` is Redis' time."""
    flags = (Flag.REMEMBER if new.remember else 0) | (Flag.ADMIN if admin else 0)
    if epoch is not None:
        flags |= Flag.BOUND
    idle, lifetime = timeouts(data, remember=new.remember, start=now)
    return Header(options().record_format, flags, idle, lifetime, epoch or 0, now, now)


def _next_header(data: dict[str, Any], header: Header, *, now: int) -> Header:
    """Return the header of the next revision; `now` is 0 unless the user just authenticated."""
    since = now or header.authenticated_at
    idle, lifetime = timeouts(data, remember=header.remember, start=since)
    return header._replace(
        format=options().record_format, idle=idle, lifetime=lifetime, authenticated_at=since
    )


def _new_sign_in(token: SessionToken, header: Header, new: NewSession, client: Client) -> SignIn:
    if not header.bound:
        return SignIn(address=client.address)
    shown = _with_shown(new.shown, new.methods, header.authenticated_at)
    device = device_name(client.user_agent)
    return SignIn(new.sign_in_id or token.handle, client.address, device, shown)


def _next_sign_in(
    seen: OpenedRecord, token: SessionToken, shown: Sequence[str], moment: int
) -> SignIn:
    """Return the sign-in with the new time for the methods that were `shown` again.

    The next record does not say that the one before `was_idle`, so its sign-in does.
    """
    sign_in = seen.sign_in.after_idleness() if seen.record.was_idle else seen.sign_in
    # A record of format 1 has no id: from now on its present handle is the id.
    id_of_sign_in = sign_in.id or token.handle
    return replace(sign_in, id=id_of_sign_in, shown=_with_shown(sign_in.shown, shown, moment))


def _with_shown(
    before: tuple[Shown, ...], methods: Sequence[str], moment: int
) -> tuple[Shown, ...]:
    """Return what was shown `before`, and `methods` as of `moment`; each method once."""
    kept = before and tuple(earlier for earlier in before if earlier.method not in methods)
    return kept + tuple(Shown(method, moment) for method in methods)

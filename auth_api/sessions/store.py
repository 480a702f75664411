"""The SESSION_ENGINE: Django's SessionBase over our records."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import structlog
from asgiref.sync import sync_to_async
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.sessions.backends.base import CreateError, SessionBase
from django.core.exceptions import ValidationError

from auth_api.options import options
from auth_api.sessions import snapshots as cards
from auth_api.sessions.redis.backend import backend

from .codec import Unreadable
from .devices import device_name
from .exceptions import NoSession, SessionEnded, SessionLimitReached, SessionStoreUnavailable
from .payloads import pack_payload, unpack_payload
from .records import (
    DamagedRecord,
    Flag,
    Header,
    NewerRecord,
    SessionRecord,
    Shown,
    SignIn,
    UserCard,
    ValidSession,
)
from .tokens import SessionToken

_MERGE_TRIES = 20
_CLOCK_TRIES = 3
_NEWER = "record of a newer release"
_log = structlog.get_logger("auth_api.sessions")


class SessionStore(SessionBase):
    """One browser's session; `session_key` is its token.

    A session that holds a user (Django's `_auth_user_id`) lives under that user's ref: it is then
    *bound*, carries the user's epoch, and has an entry in the user's index. Becoming bound, as any
    change of privilege, makes a new token.
    """

    if TYPE_CHECKING:  # what Django's own engines are written with is missing in its stubs
        _session: dict[str, Any]

        def _get_session(self, no_load: bool = False) -> dict[str, Any]: ...

    def __init__(self, session_key: str | None = None, *, admin: bool = False) -> None:
        super().__init__(session_key)
        self.admin = admin
        self.sent_key = session_key  # kept even if the session turns out to be over
        self.slide = True
        self.remember = False
        self.methods: tuple[str, ...] = ()  # that the user of a new session has just used
        self.unreadable = False  # there is a record, but our keys do not open it: keep the cookie
        self.continues = ""  # the id of the sign-in that a new session continues
        self.client_address = ""
        self.client_user_agent = ""
        self.valid: ValidSession | None = None
        self._codec = cards.codec()
        self._parsed: tuple[str | None, SessionToken | None] = (None, None)

    @classmethod
    def of(cls, token: SessionToken | None, *, admin: bool) -> "SessionStore":
        """Return the session of a token that was read already."""
        store = cls(token.value if token else None, admin=admin)
        store._parsed = (store.session_key, token)
        return store

    @property
    def token(self) -> SessionToken | None:
        """The token that is the session's key, parsed once; None without one."""
        key = self.session_key
        if self._parsed[0] != key:
            self._parsed = (key, SessionToken.parse(key))
        return self._parsed[1]

    @property
    def sign_in_id(self) -> str:
        """Return the id of the sign-in that the valid session belongs to; "" without one."""
        if self.valid is None or self.token is None or not self.valid.record.header.bound:
            return ""
        return self.valid.sign_in.id or self.token.handle  # format 1 has none

    # -- reading -------------------------------------------------------------------------------

    def validate(self) -> ValidSession:
        """Ask Redis for the session: one round trip (design rule 1).

        Raises NoSession, SessionEnded (both: invalid) or SessionStoreUnavailable (unknown).
        """
        token = self.token
        if token is None:
            raise NoSession
        interval = options().slide_interval if self.slide else 0
        answer = backend.validate(
            token.ref, token.id_hash, slide_interval=interval, admin=self.admin
        )
        if answer[0] == b"none":
            raise NoSession
        if answer[0] == b"newer":
            raise SessionStoreUnavailable(_NEWER)
        if answer[0] not in (b"valid", b"unsure"):
            raise SessionEnded(answer[0].decode())
        record, sign_in, payload = self._open(token, answer[1])
        card = self._card(token, record, answer)
        self.valid = ValidSession(record, sign_in, payload, card)
        return self.valid

    def _card(
        self, token: SessionToken, record: SessionRecord, answer: list[Any]
    ) -> UserCard | None:
        if not record.header.bound:
            return None
        card = None
        if answer[0] == b"valid":
            try:
                return self._codec.open_card(token.ref, answer[2])
            except Unreadable:  # sealed by a key that is gone, or forged: the database knows
                pass
        card = cards.read_card(token.ref)
        if card is None or card.epoch != record.header.epoch or not card.active:
            raise SessionEnded("epoch" if card and card.active else "inactive")
        return card

    def _open(self, token: SessionToken, value: bytes) -> tuple[SessionRecord, SignIn, bytes]:
        """Read a stored record. Deletes a damaged one; keeps one that our keys do not open."""
        try:
            record = SessionRecord.unpack(value)
            header, body = record.header, record.body
            sign_in = self._codec.open_sign_in(token.ref, token.id_hash, header, body)
            return record, sign_in, self._codec.open_payload(token, header, body)
        except NewerRecord:
            raise SessionStoreUnavailable(_NEWER) from None
        except DamagedRecord:
            _log.error("record.damaged", handle=token.handle, size=len(value))
            backend.end(token.ref, token.id_hash)
            raise SessionEnded("damaged") from None
        except Unreadable:
            # Either a key is missing, and the operator can restore it, or the record was tampered with.
            _log.error(
                "record.unreadable",
                handle=token.handle,
                hint="Check GATEHOUSE_SESSION_KEYS: a key may be missing.",
            )
            self.unreadable = True
            raise SessionEnded("unreadable") from None

    def load(self) -> dict[str, Any]:
        """Return the session's data; an invalid token becomes no session at all (no fixation)."""
        try:
            return _data_of(self.validate())
        except (NoSession, SessionEnded):
            self._session_key = None
            self.valid = None
            return {}

    def exists(self, session_key: str) -> bool:
        token = SessionToken.parse(session_key)
        return token is not None and backend.exists(token.ref, token.id_hash)

    # -- writing -------------------------------------------------------------------------------

    def create(self) -> None:
        """Store the data under a new token. Raises SessionLimitReached.

        A session that holds a user is moved, never copied: as `cycle_key`.
        """
        data = self._get_session(no_load=True)
        if self.session_key is not None and SESSION_KEY in data:
            return self.cycle_key()
        self._session_key = None
        self._create(data)
        self.modified = True
        return None

    def save(self, must_create: bool = False) -> None:
        """Write the changed keys.

        Raises SessionEnded (an UpdateError) when the session is over: a write never brings one
        back (rule 2).
        """
        if self.session_key is None or must_create:
            return self.create()
        data = self._session
        if self._becomes_bound(data):
            return self._bind(data)
        self._update(self._token())
        return None

    def delete(self, session_key: str | None = None) -> None:
        """End a session; quiet when there is none."""
        token = SessionToken.parse(session_key or self.session_key)
        if token is not None:
            backend.end(token.ref, token.id_hash)

    def flush(self) -> None:
        """End the session and forget its data."""
        super().flush()
        self.valid = None

    def cycle_key(self) -> None:
        """Go on under a new secret; the old one is dead in the same step (rule 6)."""
        self.renew()

    def renew(self, *, shown: Sequence[str] = ()) -> None:
        """Like `cycle_key`; `shown` are the methods by which the user has just authenticated.

        Then both clocks restart. Raises SessionEnded when the session is over.
        """
        data = self._session
        if self.session_key is None:
            self.create()
        elif self._becomes_bound(data):
            self._bind(data)
        else:
            self._update(SessionToken.new(self._token().ref), shown=shown)

    @classmethod
    def clear_expired(cls) -> None:
        """Nothing to do: Redis lets records expire."""

    # -- async twins ---------------------------------------------------------------------------

    async def aload(self) -> dict[str, Any]:
        return await sync_to_async(self.load)()

    async def aexists(self, session_key: str) -> bool:
        return await sync_to_async(self.exists)(session_key)

    async def acreate(self) -> None:
        await sync_to_async(self.create)()

    async def asave(self, must_create: bool = False) -> None:
        await sync_to_async(self.save)(must_create)

    async def adelete(self, session_key: str | None = None) -> None:
        await sync_to_async(self.delete)(session_key)

    async def aflush(self) -> None:
        await sync_to_async(self.flush)()

    async def acycle_key(self) -> None:
        await sync_to_async(self.cycle_key)()

    # -- inside --------------------------------------------------------------------------------

    def _token(self) -> SessionToken:
        if self.token is None:
            raise SessionEnded("ended")
        return self.token

    def _valid(self) -> ValidSession:
        if self.valid is None:
            raise SessionEnded("ended")
        return self.valid

    def _becomes_bound(self, data: dict[str, Any]) -> bool:
        return not self._valid().record.header.bound and _user_of(data) is not None

    def _bind(self, data: dict[str, Any]) -> None:
        old = self._token()
        self._create(data)
        backend.end(old.ref, old.id_hash)

    def _create(self, data: dict[str, Any]) -> None:
        user = _user_of(data)
        card = cards.make_card(user) if user else UserCard(0, True, "")
        token = SessionToken.new(user.session_ref if user else None)
        sealed_card = self._codec.seal_card(token.ref, card) if user else b""
        for _ in range(_CLOCK_TRIES):
            header = self._new_header(data, card.epoch if user else None, backend.now(token.ref))
            sign_in, payload = self._new_sign_in(token, header), pack_payload(data, header.epoch)
            state, *rest = backend.create(
                token.ref,
                token.id_hash,
                header.pack(),
                self._codec.seal_record(token, header, sign_in, payload),
                limit=options().session_limit,
                policy=options().session_limit_policy,
                card=sealed_card,
                card_lifetime=options().card_lifetime,
            )
            if state != b"clock":
                break
        else:
            raise SessionStoreUnavailable("clock")
        if state == b"refused":
            raise SessionLimitReached
        if state == b"epoch":
            raise SessionEnded("epoch")
        if state != b"ok":
            raise CreateError
        self._session_key = token.value
        self._session_cache = data
        record = SessionRecord.unpack(rest[0])
        self.valid = ValidSession(record, sign_in, payload, card if user else None)

    def _new_sign_in(self, token: SessionToken, header: Header) -> SignIn:
        if not header.bound:
            return SignIn(address=self.client_address)
        shown = tuple(Shown(method, header.authenticated_at) for method in self.methods)
        device = device_name(self.client_user_agent)
        return SignIn(self.continues or token.handle, self.client_address, device, shown)

    def _update(self, token: SessionToken, *, shown: Sequence[str] = ()) -> None:
        """Write our changes over what the store has now; merge when another request was faster.

        `shown`: the methods by which the user has just authenticated; if any, both clocks restart.
        """
        old, valid = self._token(), self._valid()
        seen, sign_in, mine = valid.record, valid.sign_in, self._session
        base = current = _data_of(valid)
        for _ in range(_MERGE_TRIES):
            data = _merge(base, mine, current)
            header = self._next_header(data, seen.header, now=backend.now(old.ref) if shown else 0)
            payload = pack_payload(data, header.epoch)
            about = _next_sign_in(sign_in, old, shown, header.authenticated_at)
            state, *rest = backend.save(
                old.ref,
                old.id_hash,
                seen.revision,
                header.pack(),
                self._codec.seal_record(token, header, about, payload),
                new_id_hash=token.id_hash,
            )
            if state == b"conflict":
                seen, sign_in, payload = self._open(old, rest[0])
                current = unpack_payload(payload, seen.header.epoch)
            elif state != b"clock":
                break
        if state in (b"conflict", b"clock", b"newer"):  # alive, but this request could not write
            raise SessionStoreUnavailable(state.decode())
        if state != b"ok":
            self.valid = None
            raise SessionEnded("ended" if state == b"none" else state.decode())
        self._session_key = token.value
        self._session_cache = data
        self.valid = ValidSession(SessionRecord.unpack(rest[0]), about, payload, valid.card)

    def _new_header(self, data: dict[str, Any], epoch: int | None, now: int) -> Header:
        """Return the header of a new session. `epoch` None: not bound to a user. `now` is Redis' time."""
        flags = (Flag.REMEMBER if self.remember else 0) | (Flag.ADMIN if self.admin else 0)
        if epoch is not None:
            flags |= Flag.BOUND
        idle, lifetime = self._timeouts(data, remember=self.remember, start=now)
        return Header(options().record_format, flags, idle, lifetime, epoch or 0, now, now)

    def _next_header(self, data: dict[str, Any], header: Header, *, now: int) -> Header:
        """Return the header of the next revision; `now` is 0 unless the user just authenticated."""
        since = now or header.authenticated_at
        idle, lifetime = self._timeouts(data, remember=header.remember, start=since)
        return header._replace(
            format=options().record_format, idle=idle, lifetime=lifetime, authenticated_at=since
        )

    def _timeouts(self, data: dict[str, Any], *, remember: bool, start: int) -> tuple[int, int]:
        """Return idle timeout and lifetime from `start`, in seconds; honours Django's `set_expiry`."""
        limits = options()
        idle, lifetime = limits.session_idle, limits.session_absolute
        if remember:
            idle, lifetime = limits.remember_idle, limits.remember_absolute
        expiry = data.get("_session_expiry")
        if isinstance(expiry, int) and expiry:  # an idle timeout
            idle = max(0, min(expiry, lifetime))
        elif expiry:  # a date: an absolute lifetime
            ends = int(self.get_expiry_date(expiry=expiry).timestamp())
            lifetime = max(0, min(ends - start, lifetime))
        return idle, lifetime


def _next_sign_in(
    sign_in: SignIn, token: SessionToken, shown: Sequence[str], moment: int
) -> SignIn:
    """Return the sign-in with the new time for the methods that were `shown` again."""
    kept = tuple(earlier for earlier in sign_in.shown if earlier.method not in shown)
    new = tuple(Shown(method, moment) for method in shown)
    # A record of format 1 has no id: from now on its present handle is the id.
    return replace(sign_in, id=sign_in.id or token.handle, shown=kept + new)


def _data_of(valid: ValidSession) -> dict[str, Any]:
    return unpack_payload(valid.payload, valid.record.header.epoch)


def _user_of(data: dict[str, Any]) -> Any:
    """Return the user that `data` holds, or None.

    Raises SessionEnded when the user was ended or deactivated since it was put there: Django's
    session auth hash is our epoch, so a login that lost a race with a password change stops here.
    """
    user_id = data.get(SESSION_KEY)
    if user_id is None:
        return None
    users = get_user_model()
    try:
        user = users._default_manager.filter(pk=user_id).first()
    except (ValidationError, ValueError):
        return None
    if user is None:
        return None
    if not user.is_active:
        raise SessionEnded("inactive")
    if data.get(HASH_SESSION_KEY, user.get_session_auth_hash()) != user.get_session_auth_hash():
        raise SessionEnded("epoch")
    return user


def _merge(base: dict[str, Any], mine: dict[str, Any], current: dict[str, Any]) -> dict[str, Any]:
    """Return `current` with what `mine` changed or deleted since `base`."""
    changed = {key: value for key, value in mine.items() if key not in base or base[key] != value}
    kept = {key: value for key, value in current.items() if key in mine or key not in base}
    return {**kept, **changed}

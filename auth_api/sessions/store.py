"""The SESSION_ENGINE: implements Django's SessionBase on Gatehouse's records."""

from collections.abc import Callable, Sequence
from enum import Enum, auto
from functools import partial
from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase

from auth_api import deadline
from auth_api.sessions.redis.answers import Absent, Ended
from auth_api.sessions.redis.backend import backend
from auth_api.sessions.redis.held import last_run

from .exceptions import EndReason, NoSession, SessionEnded
from .loading import latest_payload, load_session
from .login import login_data, user_of
from .records import Client, NewSession, ValidSession
from .saving import Data, create_session, data_of, merged, update_session
from .site_data import KEY, SiteChange, site_data_of
from .tokens import SessionToken

_UNKNOWN_CLIENT = Client()


class Outcome(Enum):
    """What a request did to its session: what the response has to say to the browser."""

    UNMODIFIED = auto()  # or nobody asked for it
    MODIFIED = auto()  # its data changed, and is not saved yet
    RENEWED = auto()  # it goes on, or has just started, under a new token
    ENDED = auto()  # the token that the browser sent, if any, opens nothing


class SessionStore(SessionBase):
    """One browser's session; `session_key` is its token.

    A session that holds a user (Django's `_auth_user_id`) lives under that user's ref: it is then
    *bound*, carries the user's epoch, and has an entry in the user's index. Becoming bound, as any
    change of privilege, makes a new token.

    `valid` is the session as Redis last had it, None before it is loaded and after it ended. As
    Django's own engines do, this class writes `_session_key` and `_session_cache`; nobody else does.
    """

    if TYPE_CHECKING:  # what Django's own engines are written with is missing in its stubs
        _session: dict[str, Any]
        _session_cache: dict[str, Any]

        def _get_session(self, no_load: bool = False) -> dict[str, Any]: ...

    def __init__(
        self,
        session_key: str | None = None,
        *,
        token: SessionToken | None = None,
        admin: bool = False,
        client: Client = _UNKNOWN_CLIENT,
    ) -> None:
        """Make the session of `token`, or of `session_key`, which Django has as text."""
        super().__init__(token.value if token else session_key)
        self.token = token or SessionToken.parse(session_key)
        self.admin = admin
        self.valid: ValidSession | None = None
        self._sent = self.token  # kept even if the session turns out to be over
        self._client = client
        self._run = last_run()  # before the request reads a user, whose snapshot a sign-in caches
        self._new = NewSession()
        self._end_reason: EndReason | None = None

    @property
    def sign_in_id(self) -> str:
        """Return the id of the sign-in that the valid session belongs to; "" without one."""
        return self.valid.sign_in_id if self.valid and self.valid.bound else ""

    @property
    def handle(self) -> str:
        """Return the public name of the session; "" without one."""
        return self.token.handle if self.token else ""

    @property
    def outcome(self) -> Outcome:
        """Return what happened to the session since the request came."""
        if self.is_empty():
            # Only a request that asked can know that a token is dead. A record that none of our keys
            # opens may open again when a missing key is back.
            keeps_cookie = not self.accessed or self._end_reason is EndReason.UNREADABLE
            return Outcome.UNMODIFIED if keeps_cookie else Outcome.ENDED
        if self.modified:
            return Outcome.MODIFIED
        return Outcome.RENEWED if self.token not in (None, self._sent) else Outcome.UNMODIFIED

    # -- the life of a user's session ----------------------------------------------------------

    def sign_in(self, user: Any, new: NewSession) -> ValidSession:
        """Start a session of `user` under a new token, and end the one that this browser had.

        Raises FactorRequired, NoPendingSignIn, SessionLimitReached, SessionStoreUnavailable, or
        SessionEnded when the user's sessions were ended since `user` was read; then this session
        stays what it was.
        """
        old = self.token
        self._new, data = new, {**login_data(user), **self._moving_data(new)}
        valid = self._create(data, user_of(data))
        deadline.decided()  # there is a session: nobody may be told that there is none
        if old is not None:
            # The same user: what is open in this browser goes on (a changed password, for one).
            goes_on = valid.token.id_hash if valid.token.ref == old.ref else ""
            backend.end(old.ref, old.id_hash, renewed=goes_on)
        self.accessed, self.modified = True, False  # it is saved; the cookie follows the new token
        return valid

    def authenticated_by(self, *methods: str) -> None:
        """Note how the user has just authenticated, for the session that is made next."""
        self._new = self._new._replace(methods=methods)

    def current(self, *, slide: bool = True) -> ValidSession:
        """Return the session of a signed-in user; asks Redis once a request.

        Forgets a session that is over, so that its cookie gets expired. Raises NoSession,
        SessionEnded, SessionStoreUnavailable.
        """
        self.accessed = True
        valid = self.valid
        if valid is None:
            try:
                valid = self.validate(slide=slide)
            except (NoSession, SessionEnded):
                self.forget()
                raise
        if not valid.bound:
            raise NoSession
        return valid

    def validate(self, *, slide: bool = True) -> ValidSession:
        """Ask Redis for the session: one round trip.

        `slide` False leaves the idle clock alone. Raises NoSession, SessionEnded (both: invalid) or
        SessionStoreUnavailable (unknown).
        """
        match load_session(self.token, slide=slide, admin=self.admin):
            case Absent():
                raise NoSession
            case Ended(reason):
                self._end_reason = reason
                raise SessionEnded(reason)
            case ValidSession() as valid:
                self.valid = valid
                return valid

    def renew(self, *, shown: Sequence[str] = ()) -> None:
        """Like `cycle_key`; `shown` are the methods by which the user has just authenticated.

        Then both clocks restart. Raises SessionEnded when the session is over.
        """
        data = self._session
        if self.session_key is None:
            self.create()
        elif not self._moves_to_user(data):
            self._update(SessionToken.new(self._living().token.ref), shown=shown)
            self.modified = False  # it is saved; the cookie follows the new token

    def change_site_data(self, change: SiteChange) -> None:
        """Store `change` over what Redis has now; leaves the idle clock alone.

        Raises NoSession, SessionEnded, SessionStoreUnavailable, SiteDataTooLarge, TypeError.
        """
        token = self.current(slide=False).token
        self._write(change.applied_to, token, is_use=False)

    def sign_out(self) -> None:
        """End the session whose token this browser has or sent; quiet without one."""
        token = self.token or self._sent
        if token is not None:
            backend.end(token.ref, token.id_hash)
        self.forget()
        self._end_reason = EndReason.ENDED

    def forget(self) -> None:
        """Drop token and data, so that the response expires the cookie. Does not end the session."""
        self._drop_token()
        self._session_cache = {}
        self.accessed = True

    # -- Django's contract ---------------------------------------------------------------------

    def load(self) -> dict[str, Any]:
        """Return the session's data; an invalid token becomes no session at all (no fixation)."""
        try:
            return data_of(self.validate())
        except (NoSession, SessionEnded):
            self._drop_token()
            return {}

    def exists(self, session_key: str) -> bool:
        """Whether `session_key` is a stored session (Django's name)."""
        token = SessionToken.parse(session_key)
        return token is not None and backend.exists(token.ref, token.id_hash)

    def create(self) -> None:
        """Store the data under a new token. Raises SessionLimitReached.

        A session that holds a user is moved, never copied: as `cycle_key`.
        """
        data = self._get_session(no_load=True)
        if self.session_key is not None and SESSION_KEY in data:
            return self.cycle_key()
        self._drop_token()
        self._create(data, user_of(data))
        self.modified = True
        return None

    def save(self, must_create: bool = False) -> None:
        """Write the changed keys.

        Raises SessionEnded (an UpdateError) when the session is over: a write never brings one back.
        """
        if self.session_key is None or must_create:
            return self.create()
        if not self._moves_to_user(self._session):
            self._update(self._living().token)
        return None

    def delete(self, session_key: str | None = None) -> None:
        """End a session; quiet when there is none."""
        token = SessionToken.parse(session_key) if session_key else self.token
        if token is not None:
            backend.end(token.ref, token.id_hash)

    def flush(self) -> None:
        """End the session and forget its data."""
        super().flush()
        self._drop_token()

    def cycle_key(self) -> None:
        """Continue under a new secret; the old one becomes invalid in the same step."""
        self.renew()

    @classmethod
    def clear_expired(cls) -> None:
        """Nothing to do: Redis lets records expire."""

    # -- Django's contract, async --------------------------------------------------------------

    async def aload(self) -> dict[str, Any]:
        """Like `load`, for async code."""
        return await sync_to_async(self.load)()

    async def aexists(self, session_key: str) -> bool:
        """Like `exists`, for async code."""
        return await sync_to_async(self.exists)(session_key)

    async def acreate(self) -> None:
        """Like `create`, for async code."""
        await sync_to_async(self.create)()

    async def asave(self, must_create: bool = False) -> None:
        """Like `save`, for async code."""
        await sync_to_async(self.save)(must_create)

    async def adelete(self, session_key: str | None = None) -> None:
        """Like `delete`, for async code."""
        await sync_to_async(self.delete)(session_key)

    async def aflush(self) -> None:
        """Like `flush`, for async code."""
        await sync_to_async(self.flush)()

    async def acycle_key(self) -> None:
        """Like `cycle_key`, for async code."""
        await sync_to_async(self.cycle_key)()

    # -- inside --------------------------------------------------------------------------------

    def _drop_token(self) -> None:
        self.token = self.valid = self._session_key = None

    def _hold(self, valid: ValidSession, data: dict[str, Any]) -> None:
        self.token, self.valid, self._end_reason = valid.token, valid, None
        self._session_key, self._session_cache = valid.token.value, data

    def _moving_data(self, new: NewSession) -> Data:
        """Return what moves into `new`: the site's data, if it continues this session."""
        if not new.sign_in_id or self.valid is None:
            return {}
        site = site_data_of(latest_payload(self.valid))
        return {KEY: site} if site else {}

    def _living(self) -> ValidSession:
        if self.valid is None:
            raise SessionEnded(EndReason.ENDED)
        return self.valid

    def _moves_to_user(self, data: dict[str, Any]) -> bool:
        """Move a session of nobody to the user whom its data now holds; False if there is none."""
        old = self._living()
        user = None if old.bound else user_of(data)
        if user is None:
            return False
        self._create(data, user)
        backend.end(old.token.ref, old.token.id_hash)
        return True

    def _create(self, data: dict[str, Any], user: Any) -> ValidSession:
        valid = create_session(
            data, user, new=self._new, client=self._client, admin=self.admin, run=self._run
        )
        self._hold(valid, data)
        return valid

    def _update(self, new_token: SessionToken, *, shown: Sequence[str] = ()) -> None:
        change = partial(merged, data_of(self._living()), self._session)
        self._write(change, new_token, shown=shown)

    def _write(
        self,
        change: Callable[[Data], Data],
        new_token: SessionToken,
        *,
        shown: Sequence[str] = (),
        is_use: bool = True,
    ) -> None:
        valid = self._living()
        try:
            found = update_session(valid, change, new_token=new_token, shown=shown, is_use=is_use)
            self._hold(*found)
        except SessionEnded as ended:
            self.valid, self._end_reason = None, ended.reason
            raise

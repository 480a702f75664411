"""One session as its user, staff and scripts see it."""

from typing import NamedTuple

from .assurance import Assurance, assurance_of
from .records import SessionRecord, SignIn


class SessionSummary(NamedTuple):
    """One session as its user may see it. Carries no secret. Times are Unix seconds.

    `methods` are all that the sign-in has shown, however long ago; `assurance` is what they are still worth.
    """

    handle: str
    current: bool
    created_at: int
    last_seen_at: int
    idle_expires_at: int
    absolute_expires_at: int
    ip: str
    user_agent: str
    remember: bool
    methods: tuple[str, ...]
    assurance: Assurance

    @classmethod
    def of(
        cls, record: SessionRecord, sign_in: SignIn, *, handle: str, current: bool, now: int
    ) -> "SessionSummary":
        """Return what the list of sessions shows of one record at `now`, by Redis' clock."""
        return cls(
            handle=handle,
            current=current,
            created_at=record.header.created_at,
            last_seen_at=record.last_seen_at,
            idle_expires_at=record.idle_expires_at,
            absolute_expires_at=record.absolute_expires_at,
            ip=sign_in.address,
            user_agent=sign_in.device,
            remember=record.header.remember,
            methods=sign_in.methods,
            assurance=assurance_of(record, sign_in, now),
        )

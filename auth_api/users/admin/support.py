"""What support wants to know about the accounts on a page, in a fixed number of queries and calls to Redis."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db.models import OuterRef, Subquery
from django.utils import timezone

from auth_api.delays import Account, Delays, delays_of
from auth_api.options import options
from auth_api.security_log.kinds import Kind
from auth_api.security_log.models import SecurityEvent
from auth_api.sessions.exceptions import SessionStoreUnavailable
from auth_api.sessions.services import counts_of
from auth_api.tries import LONGEST_DELAY
from auth_api.users.addresses import address_key
from auth_api.users.models import User
from auth_api.users.unlocking import addresses_of_failures

UNKNOWN = "unknown"  # Redis does not answer


@dataclass(frozen=True)
class Support:
    """One account. `sessions` and `delays` are None when Redis does not answer."""

    user: User
    last_sign_in: datetime | None
    sessions: int | None
    delays: Delays | None

    @property
    def status(self) -> str:
        """Return whether the account can be used, and whether it is one of staff."""
        state = "active" if self.user.email_verified else "unconfirmed"
        if self.user.deletion_at:
            state = f"to be deleted on {self.user.deletion_at:%Y-%m-%d}"
        state = state if self.user.is_active else "deactivated"
        return f"{state}, staff" if self.user.is_staff or self.user.is_superuser else state

    @property
    def last_sign_in_words(self) -> str:
        """Return when somebody last signed in, on the site or in the admin, as far as the log goes back."""
        if self.last_sign_in:
            return shown_time(self.last_sign_in)
        kept = timedelta(seconds=options().security_log_keep)
        if timezone.now() - self.user.date_joined < kept:
            return "never"
        return f"not in the last {kept.days} days"

    @property
    def sessions_words(self) -> str:
        """Return how many sessions live."""
        return UNKNOWN if self.sessions is None else str(self.sessions)

    @property
    def delays_words(self) -> str:
        """Return which sign-ins wait, and until when."""
        return UNKNOWN if self.delays is None else "; ".join(_parts(self.delays)) or "no"


def support_for(users: Sequence[User]) -> dict[UUID, Support]:
    """Return what to show of each of `users`: two queries, and two round trips to each node of Redis."""
    sign_ins, delays = _last_sign_ins(users), _delays(users)
    try:
        counts: dict[UUID, int] = dict(
            zip((user.pk for user in users), counts_of(users), strict=True)
        )
    except SessionStoreUnavailable:
        counts = {}
    return {
        user.pk: Support(user, sign_ins.get(user.pk), counts.get(user.pk), delays.get(user.pk))
        for user in users
    }


def shown_time(moment: datetime) -> str:
    """Return a time as the admin shows it (UTC)."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}"


def _last_sign_ins(users: Sequence[User]) -> dict[UUID, datetime]:
    """Return the newest of each user's sign-ins in the security log, by its index.

    Sign-ins write no other row. `last_login` knows only those in the admin, but is never pruned.
    """
    newest = SecurityEvent.objects.filter(user_id=OuterRef("pk"), kind=Kind.SIGNED_IN)
    rows = User.objects.order_by().filter(pk__in=[user.pk for user in users])
    found = dict(rows.values_list("pk", Subquery(newest.order_by("-at").values("at")[:1])))
    return {user.pk: at for user in users if (at := found.get(user.pk) or user.last_login)}


def _delays(users: Sequence[User]) -> dict[UUID, Delays]:
    failed = addresses_of_failures((user.pk for user in users), seconds=LONGEST_DELAY)
    accounts = [
        Account(str(user.pk), address_key(user.email), sorted(failed.get(user.pk, set()) - {""}))
        for user in users
    ]
    try:
        return dict(zip((user.pk for user in users), delays_of(accounts), strict=True))
    except SessionStoreUnavailable:
        return {}


def _parts(delays: Delays) -> list[str]:
    parts = [f"everywhere until {_clock(delays.everywhere)}"] if delays.everywhere else []
    parts += [f"{address} until {_clock(until)}" for address, until in delays.addresses.items()]
    if delays.codes_shut:
        parts.append("codes: only a recovery code signs in")
    elif delays.codes:
        parts.append(f"codes until {_clock(delays.codes)}")
    return parts


def _clock(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%H:%M} UTC"

"""Writes security events to the table and reads them."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.db import IntegrityError, connection, transaction
from django.db.models import F, QuerySet, Value

from auth_api.network import network_of

from .kinds import Kind, UserId
from .models import REASON_LENGTH, SecurityEvent
from .origin import Origin

# Rows of one kind that strangers can add to one account in a day; what comes from more places
# than that is counted up in one row without a place.
PLACES_A_DAY = 20
LONGEST_LIST = 100
_PRUNE_BATCH = 1000


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Event:
    """One event. `user_id`, or the `account` (a canonical address) when nobody looked it up yet."""

    kind: Kind
    origin: Origin
    user_id: UserId | None = None
    account: str = field(default="", repr=False)
    handle: str = ""
    reason: str = ""
    count: int = 1
    at: datetime = field(default_factory=_now)

    @property
    def bucket(self) -> str | None:
        """The key under which events are counted; None for an event that keeps a row of its own."""
        if not self.kind.is_strangers:
            return None
        return self._bucket(network_of(self.origin.address))

    @property
    def full_reason(self) -> str:
        """Return what happened in detail, and the reason that staff gave."""
        return "; ".join(filter(None, (self.reason, self.origin.why)))

    @property
    def overflow_bucket(self) -> str:
        """The key under which events from further places are counted, once a day has had PLACES_A_DAY."""
        return self._bucket("")

    def _bucket(self, place: str) -> str:
        return f"{self.kind} {self.at:%Y-%m-%d} {place}"


def append(event: Event) -> SecurityEvent | None:
    """Write `event`; None when it only counted up a row, or there is no such account.

    Raises DatabaseError when it cannot be written.
    """
    user_id = event.user_id or _user_id_of(event.account)
    if user_id is None:
        return None
    if event.bucket is None:
        return _insert(user_id, event, bucket=None)
    if _count_up(user_id, event, event.bucket):
        return None
    full = _places(user_id, event) >= PLACES_A_DAY
    bucket = event.overflow_bucket if full else event.bucket
    if full and _count_up(user_id, event, bucket):
        return None
    try:
        return _insert(user_id, event, bucket=bucket)
    except IntegrityError:  # another worker inserted the row at this moment; or the user is gone
        _count_up(user_id, event, bucket)
        return None


def insert(event: Event) -> SecurityEvent:
    """Write `event` of a known user as its own row. Raises DatabaseError, ValueError without a user."""
    if event.user_id is None:
        raise ValueError("an event of no user")
    return _insert(event.user_id, event, bucket=None)


def insert_for_users(user_ids: Sequence[UserId], event: Event) -> None:
    """Write `event` once for each of these users, in one statement; those who are gone are left out.

    Raises DatabaseError. A tenth of the time of `bulk_create`, which makes an object for each row.
    """
    row = _row(user_ids[0], event, bucket=None)
    fields = [field for field in SecurityEvent._meta.concrete_fields if not field.primary_key]
    constants = {
        f"new_{field.name}": Value(getattr(row, field.attname), output_field=field)
        for field in fields
        if field.name != "user"
    }
    users = get_user_model()._default_manager.order_by().filter(pk__in=user_ids)
    names = ("pk" if field.name == "user" else f"new_{field.name}" for field in fields)
    rows, parameters = users.annotate(**constants).values_list(*names).query.sql_with_params()
    columns = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    with connection.cursor() as cursor:
        table = connection.ops.quote_name(SecurityEvent._meta.db_table)
        cursor.execute(f"INSERT INTO {table} ({columns}) {rows}", parameters)


def list_events(user_id: UserId) -> list[SecurityEvent]:
    """Return the newest events of an account, newest first, at most LONGEST_LIST."""
    return list(all_events(user_id)[:LONGEST_LIST])


def all_events(user_id: UserId) -> QuerySet[SecurityEvent]:
    """Return the events of an account, newest first, of any number."""
    return SecurityEvent.objects.filter(user_id=user_id)


def old_events(keep: timedelta) -> QuerySet[SecurityEvent]:
    """Return what is older than `keep`, oldest first."""
    return SecurityEvent.objects.filter(at__lt=_now() - keep).order_by("at")


def prune_events(keep: timedelta) -> int:
    """Delete what is older than `keep`, in small steps; return how many."""
    pruned = 0
    while True:
        old = old_events(keep).values_list("pk", flat=True)
        if not (batch := list(old[:_PRUNE_BATCH])):
            return pruned
        pruned += SecurityEvent.objects.filter(pk__in=batch).delete()[0]


def _user_id_of(account: str) -> UserId | None:
    users = get_user_model()._default_manager.filter(email=account)
    return users.values_list("pk", flat=True).first() if account else None


def _insert(user_id: UserId, event: Event, *, bucket: str | None) -> SecurityEvent:
    row = _row(user_id, event, bucket=bucket)
    # So that a failure spoils no transaction around it; without one it would be two more round trips.
    around = transaction.get_connection().in_atomic_block
    with transaction.atomic() if around else nullcontext():
        row.save(force_insert=True)
        return row


def _row(user_id: UserId, event: Event, *, bucket: str | None) -> SecurityEvent:
    origin = event.origin
    known = bucket is None or bucket == event.bucket
    return SecurityEvent(
        user_id=user_id, kind=event.kind, at=event.at, first_at=event.at, count=event.count,
        by=origin.by, address=origin.address if known else "",
        device=origin.device if known else "", request_id=origin.request_id,
        handle=event.handle, reason=event.full_reason[:REASON_LENGTH],
        actor_id=origin.actor or None, bucket=bucket,
        place=origin.place if event.kind is Kind.SIGNED_IN else "",
    )  # fmt: skip


def _count_up(user_id: UserId, event: Event, bucket: str) -> bool:
    row = SecurityEvent.objects.filter(user_id=user_id, bucket=bucket)
    changes: dict[str, Any] = {"count": F("count") + event.count, "at": event.at}
    if bucket == event.bucket:
        changes |= {"device": event.origin.device, "request_id": event.origin.request_id}
    return bool(row.update(**changes))


def _places(user_id: UserId, event: Event) -> int:
    day = {"user_id": user_id, "bucket__startswith": event.overflow_bucket}
    return SecurityEvent.objects.filter(**day).count()

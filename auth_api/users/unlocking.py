"""Lets users whose sign-ins are delayed try again at once."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from auth_api.code_throttling import CodeThrottle
from auth_api.security_log.kinds import Kind
from auth_api.security_log.models import SecurityEvent
from auth_api.security_log.recording import record_for_each
from auth_api.sessions.redis.backend import backend
from auth_api.sessions.tokens import HANDLE_LENGTH
from auth_api.throttling import account_counters, tries_from_everywhere
from auth_api.tries import MEMORY, forget_each

from .addresses import address_key
from .models import User

_FAILURES = (Kind.SIGN_IN_FAILED, Kind.SIGN_IN_THROTTLED, Kind.VERIFICATION_FAILED)


def unlock_users(users: Sequence[User], address: str = "", *, search: bool = False) -> int:
    """Clear the counters of these users; return how many there were. Raises SessionStoreUnavailable.

    Counters are kept by network under hashes, so they are found by the networks of recent failures in
    the security log, and `address`; with `search`, among all keys of their server, which takes a while.
    """
    failed = addresses_of_failures((user.pk for user in users), seconds=MEMORY)
    live = backend.live_id_hashes_of([user.session_ref for user in users])
    counters: set[str] = set()
    for user, id_hashes in zip(users, live, strict=True):
        addresses = {*failed.get(user.pk, ()), address} - {""}
        handles = [id_hash[:HANDLE_LENGTH] for id_hash in id_hashes]
        counters |= account_counters(address_key(user.email), str(user.pk), addresses, handles)
        counters |= {*CodeThrottle(str(user.pk)).keys}
        if search:  # the log may have been pruned
            counters |= tries_from_everywhere(address_key(user.email))
    cleared = forget_each(counters)
    with transaction.atomic():
        record_for_each(Kind.UNLOCKED, [user.pk for user in users])
    return cleared


def addresses_of_failures(user_ids: Iterable[UUID], *, seconds: int) -> dict[UUID, set[str]]:
    """Return the addresses from which sign-ins of these users failed in the last `seconds`, by user."""
    since = timezone.now() - timedelta(seconds=seconds)
    failures = SecurityEvent.objects.filter(
        user_id__in=list(user_ids), kind__in=_FAILURES, at__gt=since
    )
    found: dict[UUID, set[str]] = {}
    for user_id, address in failures.order_by().values_list("user_id", "address"):
        found.setdefault(user_id, set()).add(address)
    return found

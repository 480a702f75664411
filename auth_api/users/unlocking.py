"""Lets a user whose sign-ins are delayed try again at once."""

from datetime import timedelta

from django.utils import timezone

from auth_api.code_throttling import CodeThrottle
from auth_api.security_log.kinds import Kind
from auth_api.security_log.models import SecurityEvent
from auth_api.security_log.recording import record_event
from auth_api.sessions.redis.backend import backend
from auth_api.sessions.tokens import HANDLE_LENGTH
from auth_api.throttling import forget_account
from auth_api.tries import MEMORY

from .addresses import address_key
from .models import User

_FAILURES = (Kind.SIGN_IN_FAILED, Kind.SIGN_IN_THROTTLED, Kind.VERIFICATION_FAILED)


def unlock_user(user: User, address: str = "") -> int:
    """Clear the counters of `user`; return how many there were. Raises SessionStoreUnavailable.

    Counters are kept by network under hashes, so they are found by the networks of recent failures in
    the security log, and `address`.
    """
    since = timezone.now() - timedelta(seconds=MEMORY)
    failures = SecurityEvent.objects.filter(user=user, kind__in=_FAILURES, at__gt=since)
    addresses = {*failures.values_list("address", flat=True), address} - {""}
    handles = [id_hash[:HANDLE_LENGTH] for id_hash in backend.live_id_hashes(user.session_ref)]
    choosers = [f"{where} {user.pk}" for where in ("account", "change of", "reset of")]
    cleared = forget_account(address_key(user.email), addresses, handles, choosers)
    CodeThrottle(str(user.pk)).clear()
    record_event(Kind.UNLOCKED, user.pk, count=cleared)
    return cleared

"""Computes how long a session may live, from the settings and Django's `set_expiry`."""

from datetime import datetime
from typing import Any

from auth_api.options import options

_EXPIRY = "_session_expiry"  # where `set_expiry` keeps its value


def timeouts(data: dict[str, Any], *, remember: bool, start: int) -> tuple[int, int]:
    """Return idle timeout and lifetime of a session with `data`, in seconds.

    `start` is when the user authenticated, in Unix seconds. Seconds in `set_expiry` are an idle
    timeout, a date or timedelta an absolute one; neither passes the limits of the settings.
    """
    limits = options()
    idle, lifetime = limits.session_idle, limits.session_absolute
    if remember:
        idle, lifetime = limits.remember_idle, limits.remember_absolute
    expiry = data.get(_EXPIRY)
    if isinstance(expiry, int) and expiry:
        idle = max(0, min(expiry, lifetime))
    elif expiry:  # `set_expiry` stores dates in ISO format
        ends = int(datetime.fromisoformat(expiry).timestamp())
        lifetime = max(0, min(ends - start, lifetime))
    return idle, lifetime

"""Keeps idle connections for reuse."""

import threading
import time
from collections.abc import Callable

from .wire import Wire

_LONGEST = 30.0  # seconds: longer, and something between us and the server may have forgotten it
_OLDEST = 10.0  # seconds: longer, and new workers of the server would get no connections


class IdleConnections:
    """At most `limit` of them; the oldest goes. Safe for threads and greenlets.

    `clock` gives seconds. A connection is used for a few seconds only, so that those of a busy client spread
    over the workers of a server again and again, also over one that was started later.
    """

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._kept: list[tuple[str, float, Wire]] = []  # owner, since when; oldest first
        self._lock = threading.Lock()

    def take(self, owner: str) -> Wire | None:
        """Return a connection of `owner` on which no byte waits, and that is open."""
        while (wire := self._newest(owner)) is not None:
            if wire.is_quiet():
                return wire
            wire.close()
        return None

    def keep(self, owner: str, wire: Wire) -> None:
        """Keep a connection for the next request of `owner`, unless it is old; close the oldest beyond the limit."""
        now = self._clock()
        if wire.opened < now - _OLDEST:
            wire.close()
            return
        dropped = []
        with self._lock:
            self._kept.append((owner, now, wire))
            while self._kept and (
                len(self._kept) > self._limit or self._kept[0][1] < now - _LONGEST
            ):
                dropped.append(self._kept.pop(0)[2])
        for old in dropped:
            old.close()

    def _newest(self, owner: str) -> Wire | None:
        oldest = self._clock() - _LONGEST
        with self._lock:
            for at in range(len(self._kept) - 1, -1, -1):
                whose, since, wire = self._kept[at]
                if whose == owner and since > oldest:
                    del self._kept[at]
                    return wire
        return None

"""A circuit breaker: after a few failures in a row, callers are refused at once instead of waiting.

After a rest one caller is let through as a probe. If the server answers it, everybody may call again;
if not, the rest begins anew. It is safe to share by threads and by gevent's greenlets: its lock is
never held while anything waits.
"""

import math
import random
import threading
import time
from collections.abc import Callable


class BreakerOpen(Exception):
    """The server has just failed several times in a row, so it is not asked."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("circuit breaker open")
        self.retry_after = retry_after  # whole seconds, at least 1; differs from caller to caller


class Breaker:
    """`before()` a call, then `succeeded()` or `failed()`; or `with breaker:` around it.

    `failures` in a row open it; a probe goes out every `rest` seconds. As a context manager it takes
    the exceptions in `counted` for failures; any other exception says nothing about the server.
    `on_change` hears whether it is open, when that changes.
    `clock` returns seconds that never go back, and `chance` a number in [0, 1).
    """

    def __init__(
        self,
        *,
        failures: int,
        rest: float,
        counted: tuple[type[Exception], ...] = (OSError,),
        on_change: Callable[[bool], None] = lambda is_open: None,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._limit = failures
        self._rest = rest
        self._counted = counted
        self._on_change = on_change
        self._clock = clock
        self._chance = chance
        self._lock = threading.Lock()
        self._failures = 0  # in a row
        self._next_probe = 0.0

    @property
    def is_open(self) -> bool:
        """Whether callers are refused, but for the probes."""
        return self._failures >= self._limit

    def before(self) -> None:
        """Ask for permission to call. Raises BreakerOpen."""
        if not self.is_open:  # without the lock: nearly always
            return
        with self._lock:
            if not self.is_open:
                return
            now = self._clock()
            left = self._next_probe - now
            if left > 0:
                raise BreakerOpen(self._retry_after(left))
            # The caller is the probe. Should it never report, another one follows after the rest.
            self._next_probe = now + self._rest

    def succeeded(self) -> None:
        """The server answered, whatever it said: close."""
        if self._failures:
            with self._lock:
                was_open, self._failures = self.is_open, 0
            if was_open:
                self._on_change(False)

    def failed(self) -> None:
        """The server did not answer, or not in time."""
        with self._lock:
            self._failures += 1
            if self.is_open:
                self._next_probe = self._clock() + self._rest
            has_opened = self._failures == self._limit
        if has_opened:
            self._on_change(True)

    def __enter__(self) -> None:
        # `before` has the same condition; asking here saves a call.
        if self._failures >= self._limit:
            self.before()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            if self._failures:
                self.succeeded()
        elif issubclass(kind, self._counted):
            self.failed()

    def _retry_after(self, left: float) -> int:
        """Spread the callers over the time after the probe, so that they do not return together."""
        return max(1, math.ceil(left + 2 * self._rest * self._chance()))

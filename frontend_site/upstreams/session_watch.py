"""Asks whether the session behind an open WebSocket still lives."""

import random
import time
from collections.abc import Callable

from frontend_site.backend.client import AuthApiUnavailable
from frontend_site.events.hub import Missed
from frontend_site.events.link import Ended

_AGAIN = (1.0, 2.0)  # seconds: when to ask again about a session that is said to be over


class SessionWatch:
    """Asks at least every `interval` seconds, and at once when it is told that the session may be over.

    `is_valid` says whether session and access are still there, and raises AuthApiUnavailable if that is
    unknown. Unknown is not "no".
    """

    def __init__(self, is_valid: Callable[[], bool], interval: float) -> None:
        self._is_valid, self._interval = is_valid, interval
        self._told = False
        self._plan()

    @property
    def due_in(self) -> float:
        """Seconds until it wants to ask."""
        return max(0.0, self._at - time.monotonic())

    def finds_over(self, message: Ended | Missed | None) -> bool:
        """Take what the hub told, and ask if it is time. Whether the session, or its access, is over."""
        if isinstance(message, Ended):
            self._told, self._at = True, 0.0
        elif isinstance(message, Missed):
            wait = random.random() * message.within / 1000  # noqa: S311
            self._at = min(self._at, time.monotonic() + wait)
        if self.due_in:
            return False
        try:
            if not self._is_valid():
                return True
            self._told = False
        except AuthApiUnavailable:
            pass
        self._plan()
        return False

    def _plan(self) -> None:
        """Not for the same moment for all that were opened at the same moment."""
        shortest, longest = _AGAIN if self._told else (0.8 * self._interval, self._interval)
        self._at = time.monotonic() + random.uniform(shortest, longest)  # noqa: S311

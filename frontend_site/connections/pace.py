"""How long a client may take for a body, however its bytes drip."""

import time
from collections.abc import Callable

import gevent

_SECONDS = 10.0  # for the whole of a body that the site reads itself
_SLOWEST = 1024  # bytes a second, of a body that may be long


class Pace:
    """The time that is left to one body. Only time in which the worker waits for the client counts."""

    def __init__(self) -> None:
        self._left = _SECONDS
        self._earned = 0.0  # seconds for each byte

    def may_be_long(self, seconds: float) -> None:
        """Allow `seconds`, and one more for each KiB that comes."""
        self._left = seconds
        self._earned = 1 / _SLOWEST

    def limit(self, receive: Callable[[], bytes]) -> bytes:
        """Return what `receive` returns. Raises TimeoutError when the time is over."""
        began = time.monotonic()
        with gevent.Timeout(max(self._left, 0), TimeoutError("the body is too slow")):
            data = receive()
        self._left += len(data) * self._earned - (time.monotonic() - began)
        return data

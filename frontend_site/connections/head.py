"""How long a client may take for the head of a request, and how long it may stay without one."""

import gevent

_SECONDS = 10.0  # for the whole head, however its bytes drip


class SlowHead(Exception):
    """The next request did not come in time."""


class HeadDeadline:
    """A context manager around the wait for a request. Raises SlowHead when the time is over.

    `idle`: seconds for the first byte of another request on a kept connection. A load balancer keeps its connections
    open much longer than a head may take, and closing one while it sends a request costs its client a 502.
    """

    def __init__(self, idle: float, *, is_kept: bool) -> None:
        self._head = min(idle, _SECONDS)
        self.exception = SlowHead()
        self._has_begun = False
        self._timer = gevent.Timeout(idle if is_kept else self._head, self.exception)

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.close()

    def begin_head(self) -> None:
        """Start the time limit of the head, once, when its first byte has arrived. Call it in the greenlet that waits."""
        if self._has_begun:
            return
        self._has_begun = True
        self._timer.close()
        self._timer = gevent.Timeout.start_new(self._head, self.exception)

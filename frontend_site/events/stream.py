"""The body of one page's event stream: keep-alives, and at most one event."""

import random
import time
from collections.abc import Iterator

from .hub import Farewell, Hub, Message, Missed, Waiter
from .link import Ended
from .sockets import BrowserSocket

_CHECK = "event: check\ndata: {within}\n\n"
_BACK = "retry: 100\n\n"
_DISPLACED = "event: displaced\ndata:\n\n"
_GRACE = 0.3  # seconds
_ALIVE = ":\n\n"
_RETRY = (2000, 8000)  # milliseconds: pages that lost a server come back spread over these


class PageStream:
    """Server-sent events for one page; gives its place back however it ends.

    It says `check` (your session may be over: ask) and is done, or it ends after `lifetime` seconds
    without a word and the browser comes back. `expires_in`: seconds until the session is over by
    itself.
    """

    def __init__(
        self,
        hub: Hub,
        waiter: Waiter,
        socket: BrowserSocket,
        *,
        lifetime: float,
        expires_in: float,
        heartbeat: float,
    ) -> None:
        self._hub, self._waiter, self._socket = hub, waiter, socket
        self._lifetime, self._expires_in = lifetime, expires_in
        self._heartbeat = heartbeat
        socket.when_closed(lambda: waiter.inbox.put(Farewell.GONE))

    def __iter__(self) -> Iterator[str]:
        yield f"retry: {random.randint(*_RETRY)}\n\n"  # noqa: S311
        now = time.monotonic()
        # Not all at the same moment, after a restart brought them all at the same moment.
        end = now + self._lifetime * random.uniform(0.8, 1)  # noqa: S311
        expiry = now + self._expires_in
        while (left := min(end, expiry) - time.monotonic()) > 0:
            message = self._waiter.wait(min(left, self._heartbeat))
            if message is not None and not self._goes_on(message):
                yield from _said(message)
                return
            yield _ALIVE
        if expiry <= end:
            yield _CHECK.format(within=0)
        else:  # nobody waits for this one: the browser is to be back at once
            yield _BACK

    def _goes_on(self, message: Message) -> bool:
        """Whether the session that was ended is renewed: a changed password does one after the other.

        It also lets the answer that brings the new cookie reach the browser first.
        """
        if not isinstance(message, Ended):
            return False
        handle, until = self._waiter.handle, time.monotonic() + _GRACE
        while (left := until - time.monotonic()) > 0:
            if self._waiter.wait(left) is not None:
                return False
            if self._waiter.handle != handle:
                return True
        return False

    def close(self) -> None:
        """Called by the server, once or more, whether or not the stream was ever read."""
        self._hub.leave(self._waiter)
        self._socket.release(hang_up=self._hub.stopping)


def _said(message: Message) -> Iterator[str]:
    if message is Farewell.DISPLACED:
        yield _DISPLACED
    elif not isinstance(message, Farewell):
        yield _CHECK.format(within=message.within if isinstance(message, Missed) else 0)

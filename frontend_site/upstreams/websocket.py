"""An open WebSocket to an upstream: bytes pass both ways for as long as the session lives."""

import errno
import time
from collections.abc import Iterator

import structlog

from frontend_site.events.hub import Farewell, Hub, Waiter

from .session_watch import SessionWatch
from .tunnel import Tunnel

_log = structlog.get_logger("frontend_site")


class WebSocket:
    """The body of a 101: open while gunicorn reads it. Gives its place in `hub` back however it ends.

    It ends when one side closes, when `watch` finds the session over, when this worker stops, and after
    `idle` seconds without a byte in either direction. `logged`: what its line in the log says besides.
    """

    def __init__(
        self,
        tunnel: Tunnel,
        *,
        hub: Hub,
        waiter: Waiter,
        watch: SessionWatch,
        idle: float,
        logged: dict[str, str],
    ) -> None:
        self._tunnel, self._watch = tunnel, watch
        self._hub, self._waiter = hub, waiter
        self._idle = idle
        self._logged = logged
        self._opened = time.monotonic()
        self._reason = "not opened"
        self._closed = False

    def __iter__(self) -> Iterator[bytes]:
        yield b""  # now gunicorn sends the head
        self._tunnel.start()
        self._reason = self._wait()
        # After a proper end, gunicorn would read the next request from this connection.
        raise ConnectionResetError(errno.ECONNRESET, "the WebSocket is closed")

    def close(self) -> None:
        """Called by the server, once or more, whether or not the WebSocket ever opened."""
        if self._closed:
            return
        self._closed = True
        self._hub.leave(self._waiter)
        self._tunnel.stop()
        seconds = round(time.monotonic() - self._opened, 1)
        _log.info("websocket.closed", reason=self._reason, seconds=seconds, **self._logged)

    def _wait(self) -> str:
        """Return when the WebSocket is to close, with the reason."""
        while (left := self._idle - self._tunnel.silent_for) > 0:
            message = self._waiter.wait(min(left, self._watch.due_in))
            if isinstance(message, Farewell):
                return self._tunnel.ended or message.name.lower()
            if self._watch.finds_over(message):
                return "session ended"
        return "idle"

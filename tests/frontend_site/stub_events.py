"""The stub's stream of ended sessions: what a test tells goes to everybody who listens."""

import io
import json
import queue
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler

_ALIVE = 0.5  # seconds
_END = None
READY = "event: ready\ndata:\n\n"


class EventStreams:
    """GET /v1/events, for any number of listeners."""

    def __init__(self) -> None:
        self._listeners: list[queue.SimpleQueue[str | None]] = []
        self._changed = threading.Condition()
        self.refused = threading.Event()  # set: no stream is opened

    def tell(self, **ended: str) -> None:
        """Tell that sessions ended, as auth_api does: ref, and handle or kept."""
        self.say(f"event: ended\ndata: {json.dumps(ended)}\n\n")

    def say(self, text: str | None) -> None:
        """Send any text; None ends the streams."""
        with self._changed:
            for listener in self._listeners:
                listener.put(text)

    def drop(self) -> None:
        self.say(_END)

    def wait_for_listeners(self, number: int = 1) -> None:
        """Wait until so many listen. Raises TimeoutError."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._listeners) == number, 15):
                raise TimeoutError(f"{len(self._listeners)} listeners")

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        if self.refused.is_set():
            handler.send_error(503)
            return
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.end_headers()
        mine: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        mine.put(READY)
        self._change(lambda: self._listeners.append(mine))
        try:
            while (text := _next(mine)) is not _END:
                handler.wfile.write(text.encode())
                handler.wfile.flush()
        except OSError:
            handler.wfile = io.BytesIO()  # the listener is gone; what is left goes nowhere
        finally:
            self._change(lambda: self._listeners.remove(mine))

    def _change(self, change: Callable[[], None]) -> None:
        with self._changed:
            change()
            self._changed.notify_all()


def _next(messages: "queue.SimpleQueue[str | None]") -> str | None:
    try:
        return messages.get(timeout=_ALIVE)
    except queue.Empty:
        return ":\n\n"

"""Keeps the open streams of this worker, and distributes events to them.

A stream is the event stream of a page, or a WebSocket to an upstream; each kind has a hub.
"""

import itertools
import queue
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from enum import Enum
from functools import cache

from prometheus_client import Gauge

from frontend_site.metrics import STREAMS, WEBSOCKETS
from frontend_site.options import options

from .link import Ended, Link

_SPREAD = 20  # milliseconds for each stream, when all of them must look again


class TooManyStreams(Exception):
    """This worker holds as many streams as it may."""


@dataclass(frozen=True)
class Missed:
    """Something may have gone untold: look again, within so many milliseconds."""

    within: int


class Farewell(Enum):
    """Why a stream ends, other than by its session."""

    DISPLACED = "the session, or its user, has newer streams"
    GONE = "the browser went away"
    STOPPING = "this worker stops"


Message = Ended | Missed | Farewell


@dataclass(eq=False)
class Waiter:
    """One open stream. `ref` is only claimed until auth_api has said whose session it is."""

    ref: str
    handle: str = ""
    displaced: bool = False
    inbox: "queue.SimpleQueue[Message]" = field(default_factory=lambda: queue.SimpleQueue())

    def wait(self, seconds: float) -> Message | None:
        """Return the next message that is for this stream, None after `seconds` without any."""
        try:
            message = self.inbox.get(timeout=seconds)
        except queue.Empty:
            return None
        if isinstance(message, Ended):
            if not message.concerns(self.handle):
                return None
            if message.renewed:
                self.handle = message.renewed
                return None
        return message


class Hub:
    """The streams of one worker. Safe for its threads and greenlets. `shown`: how many there are."""

    def __init__(
        self, *, limit: int, limit_of_session: int, limit_of_user: int, shown: Gauge = STREAMS
    ) -> None:
        self._limit = limit
        self._limit_of_user = limit_of_user
        self._limit_of_session = limit_of_session
        self._by_ref: dict[str, list[Waiter]] = defaultdict(list)
        self._count = 0
        self._shown = shown
        self._lock = threading.Lock()
        self._stopping = False
        self._linked = threading.Event()

    @property
    def stopping(self) -> bool:
        """Whether the worker is to stop, so that nobody may join any more."""
        return self._stopping

    def wait_for_link(self, seconds: float) -> None:
        """Let the link to auth_api come up first: who joins before it has to look again then."""
        self._linked.wait(seconds)

    def join(self, ref: str) -> Waiter:
        """Begin to wait. Do it before the session is checked: what ends in between is not missed.

        Raises TooManyStreams.
        """
        with self._lock:
            if self._stopping or self._count >= self._limit:
                raise TooManyStreams
            waiter = Waiter(ref)
            self._by_ref[ref].append(waiter)
            self._count += 1
            self._shown.inc()
        return waiter

    def admit(self, waiter: Waiter, handle: str) -> None:
        """Admit a stream, after its session has been checked and found to be `handle`.

        Closes the oldest streams if the session, or its user, has too many: a user with many sessions
        must not fill a worker.
        """
        with self._lock:
            waiter.handle = handle
            of_user = [w for w in self._by_ref[waiter.ref] if w.handle and not w.displaced]
            of_session = [w for w in of_user if w.handle == handle]
            for old in of_session[: -self._limit_of_session] + of_user[: -self._limit_of_user]:
                old.displaced = True
                old.inbox.put(Farewell.DISPLACED)

    def is_full_for(self, waiter: Waiter) -> bool:
        """Whether the user of `waiter` has as many admitted streams as one may.

        For streams of which no older one may be closed for a new one.
        """
        with self._lock:
            admitted = [other for other in self._by_ref[waiter.ref] if other.handle]
        return len(admitted) >= self._limit_of_user

    def leave(self, waiter: Waiter) -> None:
        """Stop to wait; quiet when it did already."""
        with self._lock:
            waiters = self._by_ref.get(waiter.ref, [])
            if waiter in waiters:
                waiters.remove(waiter)
                self._count -= 1
                self._shown.dec()
            if not waiters:
                self._by_ref.pop(waiter.ref, None)

    def tell(self, ended: Ended) -> None:
        """Wake the streams of that user; each knows whether it is meant."""
        with self._lock:
            for waiter in self._by_ref.get(ended.ref, ()):
                waiter.inbox.put(ended)

    def on_ready(self) -> None:
        """The link stands, maybe again: everybody looks again, but not all at the same moment."""
        self._linked.set()
        self._tell_all(Missed(within=self._count * _SPREAD))

    def on_lost(self) -> None:
        """The link is gone: streams stay as they are."""
        self._linked.clear()

    def stop(self) -> None:
        """End every stream, and begin none."""
        self._stopping = True
        self._tell_all(Farewell.STOPPING)

    def _tell_all(self, message: Message) -> None:
        with self._lock:
            for waiter in itertools.chain.from_iterable(self._by_ref.values()):
                waiter.inbox.put(message)


_making = threading.Lock()


def hub() -> Hub:
    """Return this worker's hub of pages, linked to auth_api from the first use on."""
    return _hubs().pages


def websockets() -> Hub:
    """Return this worker's hub of WebSockets, linked in the same way."""
    return _hubs().websockets


def stop_streams() -> None:
    """End this worker's streams and its link: it is about to stop, and would wait for them."""
    if _made.cache_info().currsize:
        _made().stop()


class _Hubs:
    """Both hubs, behind the one link."""

    def __init__(self) -> None:
        limits = options()
        self.pages = Hub(
            limit=limits.streams,
            limit_of_session=limits.streams_of_session,
            limit_of_user=limits.streams_of_user,
        )
        self.websockets = Hub(
            limit=limits.websockets,
            limit_of_session=limits.websockets_of_user,
            limit_of_user=limits.websockets_of_user,
            shown=WEBSOCKETS,
        )
        self._both = (self.pages, self.websockets)
        self._link = Link(
            limits, on_ended=self._tell, on_ready=self._on_ready, on_lost=self._on_lost
        )
        self._link.start()

    def stop(self) -> None:
        for each in self._both:
            each.stop()
        self._link.stop()

    def _tell(self, ended: Ended) -> None:
        for each in self._both:
            each.tell(ended)

    def _on_ready(self) -> None:
        for each in self._both:
            each.on_ready()

    def _on_lost(self) -> None:
        for each in self._both:
            each.on_lost()


def _hubs() -> _Hubs:
    with _making:  # starting the link lets others run
        return _made()


@cache
def _made() -> _Hubs:
    return _Hubs()

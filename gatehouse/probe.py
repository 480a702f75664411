"""Checks that a health probe makes: cached, one at a time, and never waited for long.

What is checked may hang, and balancers ask again all the same. So each check has a thread of its own
(a greenlet under gevent), one caller at most waits for it, and the others get the last result.
"""

import queue
import threading
import time
from collections.abc import Callable
from contextvars import Context, copy_context
from typing import Generic, TypeVar

import structlog

T = TypeVar("T")
FRESH = 1.0  # seconds for which a result stands
_log = structlog.get_logger("gatehouse")


class Probe(Generic[T]):
    """One check, which may take `patience` seconds. `late` is its result while it takes longer, and at first."""

    def __init__(self, check: Callable[[], T], *, late: T, patience: float) -> None:
        self._check = check
        self.patience = patience
        self._late = self._result = late
        self._fresh_until = 0.0
        self._started_at: float | None = None  # of a check that runs
        self._lock = threading.Lock()
        self._wanted: queue.SimpleQueue[tuple[Context, threading.Event]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def start(self) -> threading.Event | None:
        """Start the check, unless it runs or its result is fresh. Whoever started it gets an event to wait for."""
        with self._lock:
            now = time.monotonic()
            if self._started_at is not None or now < self._fresh_until:
                return None
            self._started_at = now
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="probe", daemon=True)
                self._thread.start()
        done = threading.Event()
        self._wanted.put((copy_context(), done))  # a log line of the check names the request
        return done

    @property
    def result(self) -> T:
        """The last result; does not wait."""
        with self._lock:
            since = self._started_at
            is_late = since is not None and time.monotonic() - since >= self.patience
            return self._late if is_late else self._result

    def _run(self) -> None:
        while True:
            context, done = self._wanted.get()
            try:
                result = context.run(self._check)
            except Exception as error:  # a fault of ours must not end the thread
                _log.error("probe.failed", exc_info=error)
                result = self._late
            with self._lock:
                self._result, self._started_at = result, None
                self._fresh_until = time.monotonic() + FRESH
            done.set()


def results(*probes: Probe[T]) -> list[T]:
    """Return the results of all `probes`, which run at the same time, within the patience of each."""
    now = time.monotonic()
    for probe, done in [(probe, probe.start()) for probe in probes]:
        if done is not None:
            done.wait(max(0.0, now + probe.patience - time.monotonic()))
    return [probe.result for probe in probes]

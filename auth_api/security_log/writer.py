"""Writes events in a thread, so that no request waits for the table or fails because of it.

It also hides which accounts exist: a failure is written only for an existing account, and a write
during the request, or just after it, would show in response times (ASVS 6.3.8). So events are
collected for a moment first.
"""

import atexit
import threading
from dataclasses import replace
from typing import Any

import structlog
from django.db import IntegrityError, InterfaceError, OperationalError, ProgrammingError, connection

from .events import Event, append

LIMIT = 1000  # events that wait in one process
STRANGERS_LIMIT = 500  # of those: what strangers cause must not crowd out the rest
_GATHER = 1.0  # seconds to collect events, from the first one
_RETRY = 5.0  # seconds, while the database does not answer
_LAST_CHANCE = 3.0  # seconds, for what waits when the process ends
_NOT_THERE = (OperationalError, InterfaceError, ProgrammingError)  # the last: not migrated yet
_log = structlog.get_logger("auth_api.security_log")


class EventWriter:
    """One thread, started with the first event. Events of strangers that wait are counted up."""

    def __init__(self) -> None:
        self._pending: dict[Any, Event] = {}
        self._changed = threading.Condition()
        self._writing: dict[Any, Event] = {}
        self._draining = 0  # callers of drain() that wait
        self._thread: threading.Thread | None = None

    def add(self, event: Event) -> None:
        """Have `event` written soon. When too many wait, that it is dropped is logged."""
        with self._changed:
            key = (event.user_id, event.account, event.bucket) if event.bucket else object()
            waiting = self._pending.get(key)
            if waiting is not None:
                event = replace(event, count=event.count + waiting.count)
            elif self._waiting() >= (STRANGERS_LIMIT if event.bucket else LIMIT):
                _log.error("security_log.dropped", kind=event.kind, user=str(event.user_id))
                return
            self._pending[key] = event
            self._ensure_thread()
            self._changed.notify_all()

    def drain(self, patience: float = _LAST_CHANCE) -> bool:
        """Wait until everything is written; False when that took longer than `patience` seconds."""
        with self._changed:
            self._draining += 1
            self._changed.notify_all()
            try:
                return self._changed.wait_for(lambda: not self._waiting(), patience)
            finally:
                self._draining -= 1

    def _waiting(self) -> int:
        return len(self._pending) + len(self._writing)

    def _ensure_thread(self) -> None:
        # Also after a fork, which takes no threads along.
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="security-log", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._pending)
                self._changed.wait_for(lambda: self._draining, _GATHER)
                self._writing, self._pending = self._pending, {}
            try:
                unwritten = _write(self._writing)
            finally:
                connection.close()
            with self._changed:
                self._put_back(unwritten)
                self._changed.notify_all()
                if unwritten:
                    self._changed.wait(_RETRY)

    def _put_back(self, unwritten: dict[Any, Event]) -> None:
        self._writing = {}
        newer, self._pending = self._pending, dict(unwritten)
        for key, event in newer.items():
            older = unwritten.get(key)
            self._pending[key] = replace(event, count=event.count + (older.count if older else 0))


def _write(batch: dict[Any, Event]) -> dict[Any, Event]:
    """Write the events; return those for which the database was not there."""
    left = dict(batch)
    for key, event in batch.items():
        try:
            append(event)
        except IntegrityError:  # the account is gone, and its log with it
            pass
        except _NOT_THERE as error:
            _log.error("security_log.waits", events=len(left), error=type(error).__name__)
            return left
        except Exception as error:  # a fault of ours must not end the thread
            _log.error("security_log.lost", kind=event.kind, exc_info=error)
        del left[key]
    return {}


writer = EventWriter()
atexit.register(writer.drain)

"""Decides who works next when only a few may work at once: in a short queue, with a deadline.

Safe to share by threads and by gevent's greenlets: its lock is never held while anything waits.
"""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class LineFull(Exception):
    """Too many are waiting already, or no slot became free in time."""


class _Line(deque[threading.Event]):
    """Who waits, the first one at the left; and how many more of them may work."""

    def __init__(self, places: int, slots: int) -> None:
        super().__init__()
        self.places = places
        self.free = slots


class WaitingLine:
    """`slots` in all, given in the order of arrival; `waiting` may wait for one.

    Whoever comes with a name goes first: `reserved` of the slots are kept for them, and they have
    `named_waiting` places of their own. One at a time for each name: a second one waits like
    everybody, so that nobody can use up the reserved share under one name. Of several slots the
    named ones never have the last, so that they cannot shut out the others either.
    """

    def __init__(self, *, slots: int, reserved: int, waiting: int, named_waiting: int) -> None:
        self._lock = threading.Lock()
        self._free = slots
        self._named = _Line(named_waiting, max(1, slots - 1))
        self._others = _Line(waiting, slots - reserved)
        self._names: set[str] = set()

    @contextmanager
    def slot(self, patience: float, name: str = "") -> Iterator[None]:
        """Hold a slot, waiting up to `patience` seconds for it. Raises LineFull."""
        with self._claimed(name) as goes_first:
            line = self._named if goes_first else self._others
            self._take(line, patience)
            try:
                yield
            finally:
                self._give_back(line)

    @contextmanager
    def _claimed(self, name: str) -> Iterator[bool]:
        """Give whether `name` goes first: it does if nobody else has it now."""
        with self._lock:
            goes_first = bool(name) and name not in self._names
            if goes_first:
                self._names.add(name)
        try:
            yield goes_first
        finally:
            if goes_first:
                with self._lock:
                    self._names.discard(name)

    def _take(self, line: _Line, patience: float) -> None:
        turn = threading.Event()
        with self._lock:
            if len(line) >= line.places:
                raise LineFull
            line.append(turn)
            self._call_next()
        try:
            turn.wait(patience)
        except BaseException:  # a greenlet that is killed
            if not self._left(line, turn):
                self._give_back(line)
            raise
        if self._left(line, turn):
            raise LineFull

    def _left(self, line: _Line, turn: threading.Event) -> bool:
        """Leave the queue, if the turn has not come."""
        with self._lock:
            if turn.is_set():
                return False
            line.remove(turn)
            return True

    def _give_back(self, line: _Line) -> None:
        with self._lock:
            self._free += 1
            line.free += 1
            self._call_next()

    def _call_next(self) -> None:
        for line in (self._named, self._others):
            while line and line.free and self._free:
                self._free -= 1
                line.free -= 1
                line.popleft().set()

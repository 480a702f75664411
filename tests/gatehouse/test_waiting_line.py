"""Who works next when few may: in the order of arrival, named ones first, nobody for ever."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from gatehouse.waiting_line import LineFull, WaitingLine
from tests.processes import wait_for


class Crowd:
    """Threads that wait in a line; `served` has their labels in the order of their turns."""

    def __init__(self, line: WaitingLine) -> None:
        self.line = line
        self.served: list[str] = []
        self.refused: list[str] = []
        self._threads: list[threading.Thread] = []

    def add(self, label: str, name: str = "") -> None:
        """Let one more queue up; returns when it stands in the line or has been served."""
        before = self._standing()
        thread = threading.Thread(target=self._queue, args=(label, name), daemon=True)
        thread.start()
        self._threads.append(thread)
        wait_for(lambda: self._standing() > before or not thread.is_alive(), "a place in the line")

    def go(self) -> None:
        for thread in self._threads:
            thread.join(60)

    def _standing(self) -> int:
        return len(self.line._named) + len(self.line._others)

    def _queue(self, label: str, name: str) -> None:
        try:
            with self.line.slot(60, name):
                self.served.append(label)
        except LineFull:
            self.refused.append(label)


@contextmanager
def full(line: WaitingLine, slots: int) -> Iterator[None]:
    with ExitStack() as stack:
        for _ in range(slots):
            stack.enter_context(line.slot(60))
        yield


def line_of(slots: int, *, reserved: int = 0, waiting: int = 8, named: int = 8) -> WaitingLine:
    return WaitingLine(slots=slots, reserved=reserved, waiting=waiting, named_waiting=named)


def test_slots_are_given_in_the_order_of_arrival_and_to_named_ones_first() -> None:
    crowd = Crowd(line_of(1))
    with full(crowd.line, 1):
        for label in ("a", "b", "c"):
            crowd.add(label)
        for label in ("owner", "other owner"):
            crowd.add(label, name=label)
    crowd.go()
    assert crowd.served == ["owner", "other owner", "a", "b", "c"]


def test_a_reserved_slot_is_for_named_ones_only() -> None:
    line = line_of(3, reserved=1)
    with full(line, 2):
        with pytest.raises(LineFull), line.slot(0.01):
            pass
        with line.slot(0, "owner"):
            pass


def test_one_name_has_one_place_at_a_time() -> None:
    """Else whoever owns one account could fill the reserved share with it."""
    line = line_of(3, reserved=1)
    with full(line, 1), line.slot(0, "owner"), line.slot(0, "owner"):  # the second as a stranger
        assert line._others.free == 0
    with full(line, 2), line.slot(0, "owner"):  # and afterwards again
        pass


def test_the_reserved_slot_stays_free_of_strangers_whoever_came_first() -> None:
    line = line_of(3, reserved=1)
    with line.slot(0, "owner"), full(line, 2), pytest.raises(LineFull), line.slot(0.01, "other"):
        pass


def test_named_ones_leave_a_slot_to_the_others() -> None:
    """Else a few accounts that sign in all the time shut everybody else out."""
    line = line_of(3, reserved=1)
    with line.slot(0, "owner"), line.slot(0, "other owner"):
        with pytest.raises(LineFull), line.slot(0.01, "third owner"):
            pass
        with line.slot(0):
            pass


def test_the_places_are_limited_and_named_ones_have_their_own() -> None:
    crowd = Crowd(line_of(1, waiting=2, named=1))
    with full(crowd.line, 1):
        for label in ("a", "b", "c"):
            crowd.add(label)
        crowd.add("owner", name="owner")
        crowd.add("another", name="another")
        assert crowd.refused == ["c", "another"]
    crowd.go()
    assert crowd.served == ["owner", "a", "b"]


def test_who_gave_up_gets_no_slot_and_none_is_lost() -> None:
    line = line_of(1)
    with full(line, 1):
        for name in ("", "owner"):
            with pytest.raises(LineFull), line.slot(0.01, name):
                pass
    for _ in range(3):
        with line.slot(0):
            pass


def test_a_slot_comes_back_after_an_error() -> None:
    line = line_of(1)
    for name in ("", "owner"):
        with pytest.raises(ZeroDivisionError), line.slot(0, name):
            raise ZeroDivisionError
    with line.slot(0, "owner"):
        pass


def test_never_more_work_at_once_than_there_are_slots() -> None:
    line, lock = line_of(3, reserved=1, waiting=100, named=100), threading.Lock()
    working = most = 0

    def work(number: int) -> None:
        nonlocal working, most
        for _ in range(50):
            with line.slot(60, str(number) if number % 3 else ""):
                with lock:
                    working += 1
                    most = max(most, working)
                time.sleep(0.001)
                with lock:
                    working -= 1

    threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert working == 0
    assert 1 < most <= 3

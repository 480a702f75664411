"""How long, and how many, connections wait."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from frontend_site.transport.idle import IdleConnections
from frontend_site.transport.wire import Wire


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Ends:
    """Connections, and the other ends of them."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.others: list[socket.socket] = []

    def wire(self) -> Wire:
        ours, other = socket.socketpair()
        self.others.append(other)
        wire = Wire(ours)
        wire.opened = self.clock()
        return wire

    def closed(self) -> list[bool]:
        """Which of ours were closed."""
        return [_has_ended(other) for other in self.others]


def _has_ended(other: socket.socket) -> bool:
    other.settimeout(0)
    try:
        return other.recv(1) == b""
    except BlockingIOError:
        return False


@pytest.fixture
def ends() -> Iterator[Ends]:
    made = Ends()
    with ExitStack() as stack:
        yield made
        for other in made.others:
            stack.enter_context(other)


def test_one_that_waited_long_is_not_used(ends: Ends) -> None:
    clock = ends.clock
    idle = IdleConnections(8, clock)
    wire = ends.wire()
    idle.keep("ada", wire)
    clock.now += 29
    assert idle.take("ada") is wire
    idle.keep("ada", ends.wire())
    clock.now += 31
    assert idle.take("ada") is None


def test_those_that_waited_long_are_closed_with_the_next_that_comes(ends: Ends) -> None:
    clock = ends.clock
    idle = IdleConnections(8, clock)
    idle.keep("ada", ends.wire())
    clock.now += 20
    idle.keep("bob", ends.wire())
    clock.now += 20
    idle.keep("eve", ends.wire())
    assert ends.closed() == [True, False, False]


def test_the_oldest_makes_room(ends: Ends) -> None:
    idle = IdleConnections(2, ends.clock)
    for owner in ("ada", "bob", "eve"):
        idle.keep(owner, ends.wire())
    assert ends.closed() == [True, False, False]
    assert idle.take("ada") is None


def test_a_limit_of_none_keeps_none(ends: Ends) -> None:
    idle = IdleConnections(0)
    idle.keep("ada", ends.wire())
    assert ends.closed() == [True]
    assert idle.take("ada") is None


def test_the_newest_is_taken_first(ends: Ends) -> None:
    idle = IdleConnections(8, ends.clock)
    first, second = ends.wire(), ends.wire()
    idle.keep("ada", first)
    idle.keep("ada", second)
    assert (idle.take("ada"), idle.take("ada"), idle.take("ada")) == (second, first, None)


def test_an_old_one_is_not_kept_again(ends: Ends) -> None:
    """Otherwise the connections of a busy client would never reach a worker that was started later."""
    idle = IdleConnections(8, ends.clock)
    wire = ends.wire()
    for _ in range(3):
        ends.clock.now += 3
        idle.keep("ada", wire)
        assert idle.take("ada") is wire
    ends.clock.now += 3
    idle.keep("ada", wire)
    assert idle.take("ada") is None
    assert ends.closed() == [True]

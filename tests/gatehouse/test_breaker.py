"""The circuit breaker, with a clock of the test's own."""

import threading

import pytest

from gatehouse.breaker import Breaker, BreakerOpen


class Clock:
    """Seconds that pass only when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(failures=3, rest=2.0, counted=(TimeoutError,), clock=clock, chance=lambda: 0.5)


def fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        with pytest.raises(TimeoutError), breaker:
            raise TimeoutError


def test_it_opens_after_failures_in_a_row_only(breaker: Breaker) -> None:
    fail(breaker, 2)
    with breaker:
        pass
    fail(breaker, 2)
    assert not breaker.is_open
    fail(breaker, 1)
    assert breaker.is_open
    with pytest.raises(BreakerOpen):
        breaker.before()


def test_one_probe_goes_out_after_the_rest_and_its_success_closes(
    breaker: Breaker, clock: Clock
) -> None:
    fail(breaker, 3)
    clock.now += 2.0
    breaker.before()  # the probe
    with pytest.raises(BreakerOpen):
        breaker.before()
    breaker.succeeded()
    breaker.before()
    breaker.before()


def test_a_failed_probe_begins_the_rest_anew(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 2.0
    fail(breaker, 1)
    clock.now += 1.9
    with pytest.raises(BreakerOpen):
        breaker.before()
    clock.now += 0.1
    breaker.before()


def test_a_probe_that_never_reports_is_followed_by_another(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 2.0
    breaker.before()
    clock.now += 2.0
    breaker.before()


def test_other_exceptions_say_nothing_about_the_server(breaker: Breaker) -> None:
    fail(breaker, 2)
    with pytest.raises(ValueError, match="ours"), breaker:
        raise ValueError("ours")
    fail(breaker, 1)
    assert breaker.is_open


def test_callers_are_told_to_come_back_at_different_times(clock: Clock) -> None:
    chances = iter([0.0, 0.3, 0.9])
    breaker = Breaker(failures=1, rest=2.0, clock=clock, chance=lambda: next(chances))
    breaker.failed()
    told = []
    for _ in range(3):
        with pytest.raises(BreakerOpen) as refused:
            breaker.before()
        told.append(refused.value.retry_after)
    assert told == [2, 4, 6]


def test_of_many_threads_one_is_the_probe(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 2.0
    start, admitted = threading.Barrier(16), []

    def call() -> None:
        start.wait()
        try:
            breaker.before()
        except BreakerOpen:
            return
        admitted.append(1)

    threads = [threading.Thread(target=call) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(admitted) == 1


def test_whoever_watches_hears_of_each_change_once() -> None:
    changes: list[bool] = []
    breaker = Breaker(failures=2, rest=1.0, on_change=changes.append)
    breaker.succeeded()
    for _ in range(3):
        breaker.failed()
    assert changes == [True]
    breaker.succeeded()
    breaker.succeeded()
    assert changes == [True, False]

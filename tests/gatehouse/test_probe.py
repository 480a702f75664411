"""A probe is cached, runs one check at a time, and lets at most one caller wait for it."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from gatehouse import probe as module
from gatehouse.probe import Probe, results

FOREVER = 3600.0  # seconds


class Check:
    """A check that counts its runs, and hangs while `hangs`."""

    def __init__(self) -> None:
        self.runs = 0
        self.began = threading.Semaphore(0)
        self.may_end = threading.Event()
        self.may_end.set()

    def __call__(self) -> str:
        self.runs += 1
        self.began.release()
        assert self.may_end.wait(60)
        return f"result {self.runs}"


@pytest.fixture
def check() -> Iterator[Check]:
    made = Check()
    yield made
    made.may_end.set()


@pytest.fixture
def never_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FRESH", 0.0)


def test_a_result_stands_for_a_moment(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FRESH", FOREVER)
    probe = Probe(check, late="late", patience=FOREVER)
    assert results(probe, probe) == ["result 1", "result 1"]
    assert results(probe) == ["result 1"]
    assert check.runs == 1


def test_an_old_result_is_replaced(check: Check, never_fresh: None) -> None:
    probe = Probe(check, late="late", patience=FOREVER)
    assert results(probe) == ["result 1"]
    assert results(probe) == ["result 2"]


def test_others_get_the_last_result_at_once_while_a_check_runs(
    check: Check, never_fresh: None
) -> None:
    probe = Probe(check, late="late", patience=FOREVER)
    assert results(probe) == ["result 1"]
    check.may_end.clear()
    with ThreadPoolExecutor(1) as waiting:
        first = waiting.submit(results, probe)
        assert all(check.began.acquire(timeout=60) for _ in range(2))
        assert [results(probe) for _ in range(50)] == [["result 1"]] * 50
        assert check.runs == 2
        check.may_end.set()
        assert first.result(60) == ["result 2"]


def test_a_check_that_hangs_is_late_and_is_not_started_again(
    check: Check, never_fresh: None
) -> None:
    probe = Probe(check, late="late", patience=0.01)
    check.may_end.clear()
    assert [results(probe) for _ in range(5)] == [["late"]] * 5
    assert check.runs == 1


def test_a_hanging_check_says_nothing_about_the_others(check: Check) -> None:
    check.may_end.clear()
    hanging = Probe(check, late="late", patience=0.01)
    assert results(hanging, Probe(lambda: "fine", late="late", patience=FOREVER)) == [
        "late",
        "fine",
    ]


def test_a_check_that_fails_is_late_and_goes_on(never_fresh: None) -> None:
    answers = iter([ValueError("a fault of ours"), "fine"])

    def check() -> str:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    probe = Probe(check, late="late", patience=FOREVER)
    assert results(probe) == ["late"]
    assert results(probe) == ["fine"]

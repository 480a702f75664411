"""How long auth_api's main thread leaves the hot call to the threads (on real processes: tests/faults)."""

import pytest

import gunicorn_auth_worker
from gunicorn_auth_worker import AuthWorker

FAST, LATE, SLOW, HELD_UP = 0.002, 0.1, 0.05, 1.0  # seconds


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> AuthWorker:
    """One that has not been started; the time stands still."""
    monkeypatch.setattr(gunicorn_auth_worker.time, "monotonic", lambda: 1000.0)
    return AuthWorker.__new__(AuthWorker)


def rest_after(worker: AuthWorker, *answers: float) -> float:
    """Seconds without answers after those that took so long."""
    worker._here_from = 1000.0
    for taken in answers:
        worker._pause_if_slow(taken)
    return float(worker._here_from - 1000.0)


def test_one_late_answer_of_a_busy_machine_changes_nothing(worker: AuthWorker) -> None:
    assert rest_after(worker, *[FAST] * 20, LATE, *[FAST] * 20) == 0


def test_answers_that_are_slow_on_the_whole_go_to_the_threads(worker: AuthWorker) -> None:
    assert rest_after(worker, *[SLOW] * 5) == 5


def test_an_outage_is_rested_from_longer_each_time_and_forgotten_after_it(
    worker: AuthWorker,
) -> None:
    assert [rest_after(worker, HELD_UP) for _ in range(6)] == [5, 10, 20, 40, 60, 60]
    assert rest_after(worker, FAST) == 0
    assert rest_after(worker, HELD_UP) == 5

"""A kept connection may be idle for long; the head of a request must still come soon."""

import gevent
import pytest

from frontend_site.connections import head
from frontend_site.connections.head import HeadDeadline, SlowHead

LONG = 300.0  # seconds: no test waits for it


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(head, "_SECONDS", 0.05)


def test_a_new_connection_has_the_time_of_a_head() -> None:
    with pytest.raises(SlowHead), HeadDeadline(LONG, is_kept=False):
        gevent.sleep(LONG)


def test_a_head_that_has_begun_on_a_kept_connection_has_no_more_time() -> None:
    """However its bytes drip: the worker says it before each further read of a head."""
    deadline = HeadDeadline(LONG, is_kept=True)
    with deadline, pytest.raises(SlowHead):
        _drip(deadline)


def test_a_kept_connection_may_be_idle_for_longer() -> None:
    with HeadDeadline(LONG, is_kept=True):
        gevent.sleep(0.2)


def _drip(deadline: HeadDeadline) -> None:
    for _ in range(100):
        deadline.begin_head()
        gevent.sleep(0.01)

"""How the stream of one page begins and ends."""

import re

import pytest

from frontend_site.events.hub import Hub
from frontend_site.events.sockets import BrowserSocket
from frontend_site.events.stream import PageStream

REF, HANDLE = "r" * 16, "h" * 16
LATER = 100.0  # seconds: not in this test


@pytest.fixture
def hub() -> Hub:
    return Hub(limit=4, limit_of_session=2, limit_of_user=4)


def stream(hub: Hub, *, lifetime: float = LATER, expires_in: float = LATER) -> PageStream:
    waiter = hub.join(REF)
    hub.admit(waiter, HANDLE)
    return PageStream(
        hub,
        waiter,
        BrowserSocket({}),
        lifetime=lifetime,
        expires_in=expires_in,
        heartbeat=LATER,
    )


def test_who_loses_the_server_comes_back_spread_over_time(hub: Hub) -> None:
    firsts = [
        next(iter(stream(Hub(limit=1, limit_of_session=1, limit_of_user=1)))) for _ in range(20)
    ]
    delays = {int(re.fullmatch(r"retry: (\d+)\n\n", first)[1]) for first in firsts}  # type: ignore[index]
    assert len(delays) > 1
    assert min(delays) >= 2000


def test_at_its_planned_end_the_browser_is_called_back_at_once(hub: Hub) -> None:
    """Until it is back nothing would be told."""
    assert list(stream(hub, lifetime=0))[1:] == ["retry: 100\n\n"]


def test_when_the_session_is_over_by_itself_the_page_is_told_to_look(hub: Hub) -> None:
    assert list(stream(hub, expires_in=0))[1:] == ["event: check\ndata: 0\n\n"]


def test_a_server_that_stops_says_nothing(hub: Hub) -> None:
    opened = stream(hub)
    hub.stop()
    assert hub.stopping
    assert len(list(opened)) == 1

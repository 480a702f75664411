"""Who is told what."""

import pytest

from frontend_site.events.hub import Farewell, Hub, Missed, TooManyStreams, Waiter
from frontend_site.events.link import Ended

REF, OTHER_REF = "r" * 16, "o" * 16
HERE, THERE = "h" * 16, "t" * 16


@pytest.fixture
def hub() -> Hub:
    return Hub(limit=4, limit_of_session=2, limit_of_user=4)


def waiting(hub: Hub, ref: str = REF, handle: str = HERE) -> Waiter:
    waiter = hub.join(ref)
    hub.admit(waiter, handle)
    return waiter


@pytest.mark.parametrize(
    ("ended", "told"),
    [
        (Ended(REF), True),
        (Ended(REF, handle=HERE), True),
        (Ended(REF, handle=THERE), False),
        (Ended(REF, kept=THERE), True),
        (Ended(REF, kept=HERE), False),
        (Ended(OTHER_REF), False),
        (Ended(OTHER_REF, handle=HERE), False),
    ],
)
def test_only_whom_it_concerns_is_told(hub: Hub, ended: Ended, told: bool) -> None:
    waiter = waiting(hub)
    hub.tell(ended)
    assert waiter.wait(0.01) == (ended if told else None)


def test_an_end_between_joining_and_the_check_is_not_missed(hub: Hub) -> None:
    waiter = hub.join(REF)
    hub.tell(Ended(REF, handle=HERE))
    hub.admit(waiter, HERE)
    assert waiter.wait(0.01) == Ended(REF, handle=HERE)


def test_nobody_is_told_after_leaving(hub: Hub) -> None:
    waiter = waiting(hub)
    hub.leave(waiter)
    hub.leave(waiter)
    hub.tell(Ended(REF))
    assert waiter.wait(0.01) is None


def test_streams_are_limited_and_places_come_back(hub: Hub) -> None:
    first = waiting(hub)
    for number in range(3):
        waiting(hub, handle=str(number) * 16)
    with pytest.raises(TooManyStreams):
        hub.join(OTHER_REF)
    hub.leave(first)
    hub.leave(first)  # twice gives one place back
    hub.join(OTHER_REF)
    with pytest.raises(TooManyStreams):
        hub.join(OTHER_REF)


def test_a_session_with_too_many_streams_loses_the_oldest(hub: Hub) -> None:
    first, second, other = waiting(hub), waiting(hub), waiting(hub, handle=THERE)
    assert first.wait(0.01) is None
    third = waiting(hub)
    assert first.wait(0.01) is Farewell.DISPLACED
    assert [w.wait(0.01) for w in (second, third, other)] == [None, None, None]


def test_when_the_link_is_back_all_look_again_and_not_at_once(hub: Hub) -> None:
    waiters = [waiting(hub, handle=str(number) * 16) for number in range(3)]
    hub.on_ready()
    for waiter in waiters:
        message = waiter.wait(0.01)
        assert isinstance(message, Missed)
        assert message.within == 60


def test_a_hub_that_stops_lets_all_go_and_takes_no_more(hub: Hub) -> None:
    waiter = waiting(hub)
    hub.stop()
    assert waiter.wait(0.01) is Farewell.STOPPING
    with pytest.raises(TooManyStreams):
        hub.join(REF)


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "null", "1", '"x"', "{}", '{"ref": 1}', '{"ref": "short"}', "{" * 100_000,
        f'{{"handle": "{HERE}"}}', f'{{"ref": "{REF}", "more": "{HERE}"}}',
        f'{{"ref": "{REF}", "handle": null}}', f'{{"ref": "{REF}", "handle": ["{HERE}"]}}',
    ],
)  # fmt: skip
def test_what_was_not_agreed_on_is_nothing(text: str) -> None:
    assert Ended.read(text) is None


def test_what_was_agreed_on_is_read() -> None:
    assert Ended.read(f'{{"ref": "{REF}"}}') == Ended(REF)
    assert Ended.read(f'{{"ref": "{REF}", "kept": "{HERE}"}}') == Ended(REF, kept=HERE)


def test_no_user_fills_a_worker_with_many_sessions() -> None:
    """Otherwise two accounts with a hundred sessions each could keep all others out."""
    hub = Hub(limit=12, limit_of_session=2, limit_of_user=3)
    opened: dict[str, list[Waiter]] = {}
    for user in range(3):
        ref = f"{user}" * 16
        opened[ref] = []
        for session in range(8):
            waiter = waiting(hub, ref, f"{session}" * 16)
            opened[ref].append(waiter)
            for old in opened[ref][:-3]:
                hub.leave(old)  # as its stream does when notified
    last = hub.join(OTHER_REF)
    hub.admit(last, HERE)
    assert last.wait(0.01) is None
    for waiters in opened.values():
        said = [waiter.wait(0.01) for waiter in waiters]
        assert said == [Farewell.DISPLACED] * 5 + [None] * 3


def test_a_displaced_stream_counts_no_more_and_a_claimed_one_not_yet() -> None:
    hub = Hub(limit=12, limit_of_session=9, limit_of_user=2)
    claimed = hub.join(REF)  # a made-up cookie with this ref
    first, second = waiting(hub), waiting(hub, handle=THERE)
    assert (first.wait(0.01), second.wait(0.01)) == (None, None)
    third, fourth = waiting(hub), waiting(hub)
    said = [waiter.wait(0.01) for waiter in (first, second, third, fourth, claimed)]
    assert said == [Farewell.DISPLACED, Farewell.DISPLACED, None, None, None]
    assert first.wait(0.01) is None

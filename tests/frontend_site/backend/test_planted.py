"""An answer for one user never reaches another, whatever auth_api's connections bring."""

from collections.abc import Iterator
from typing import Any

import pytest

from frontend_site.backend.caller import Caller
from frontend_site.backend.client import AuthApiUnavailable, auth_api
from tests.frontend_site.transport.planter import (
    Planter,
    Trick,
    add,
    half,
    planted,
    running_planter,
    with_line,
)


@pytest.fixture
def planter(options: Any) -> Iterator[Planter]:
    with running_planter() as running:
        options(auth_api_url=running.url, read_timeout=0.5)
        yield running


def asked_by(who: str, route: str = "session") -> str:
    answer = auth_api().call(route, Caller(request_id=who))
    return str(answer.document["who"])


@pytest.mark.parametrize(
    "trick",
    [
        add(planted()),
        add(planted()[:30]),
        add(b"x"),
        with_line("Connection: close", then=planted()),
        half(close=True),
        half(close=False),
    ],
    ids=["an answer", "half of one", "a byte", "after the last", "early close", "half an answer"],
)
def test_a_doubtful_answer_is_unknown_and_the_next_users_is_their_own(
    planter: Planter, trick: Trick
) -> None:
    planter.tricks.append(trick)
    with pytest.raises(AuthApiUnavailable):
        asked_by("ada")
    assert [asked_by(who) for who in ("bob", "ada")] == ["bob", "ada"]
    assert planter.asked[0].connection not in {asked.connection for asked in planter.asked[1:]}


@pytest.mark.parametrize("closed", [False, True])
def test_what_waits_on_an_idle_connection_is_nobodys_answer(planter: Planter, closed: bool) -> None:
    for _ in range(3):
        assert asked_by("ada") == "ada"
        planter.say(planted())
        if closed:
            planter.hang_up()
        assert asked_by("bob") == "bob"
        planter.say(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    assert len(planter.asked) == len({asked.connection for asked in planter.asked}) == 6


def test_an_unsafe_call_meets_nothing_that_was_planted(planter: Planter) -> None:
    assert asked_by("ada") == "ada"
    planter.say(planted())
    assert asked_by("bob", "login") == "bob"
    assert [asked.method for asked in planter.asked] == ["GET", "POST"]

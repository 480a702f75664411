"""An answer for one user never reaches another, whatever an upstream's connections bring."""

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler

import pytest

from tests.frontend_site.server import Answer, Server
from tests.frontend_site.stub import TOKEN, Canned, Stub, current_session, send
from tests.frontend_site.transport.planter import (
    PLANTED,
    Planter,
    Trick,
    add,
    half,
    hang_up,
    planted,
    with_line,
)

ADA, BOB = TOKEN, "QrStUvWxYzQrStUv." + "b" * 43


def identity_of(handler: BaseHTTPRequestHandler) -> None:
    """The stub's answer: whoever has the cookie, under a handle of their own."""
    who = "ada" if ADA in handler.headers["Cookie"] else "bob"
    session = current_session()
    session["session"]["handle"] = who * 5 + "-"
    send(handler, Canned(200, {"token": who, **session}))


@pytest.fixture(autouse=True)
def _two_users(stub: Stub) -> None:
    stub.answers["GET /v1/identity?audience=planter"] = identity_of


@pytest.fixture
def ask(site: Server, planter: Planter) -> Callable[..., Answer]:
    def asked(token: str, method: str = "GET") -> Answer:
        cookie = f"Cookie: __Host-session={token}"
        lines = [cookie] if method == "GET" else site.csrf(cookie)
        return site.ask(method, "/api/planter/x", *lines)

    return asked


def is_for(who: str, answer: Answer) -> bool:
    return answer.status == 200 and json.dumps({"who": who}).encode() in answer.body


def test_a_get_uses_the_sessions_own_connection(
    ask: Callable[..., Answer], planter: Planter
) -> None:
    for _ in range(2):
        assert is_for("ada", ask(ADA))
        assert is_for("bob", ask(BOB))
    first, second, third, fourth = (asked.connection for asked in planter.asked)
    assert (first, second) == (third, fourth)
    assert first != second


def test_an_unsafe_call_has_a_connection_of_its_own(
    ask: Callable[..., Answer], planter: Planter
) -> None:
    for method in ("GET", "POST", "DELETE", "PUT", "GET"):
        assert is_for("ada", ask(ADA, method))
    first, *unsafe, last = (asked.connection for asked in planter.asked)
    assert len({first, *unsafe}) == 4
    assert first == last


@pytest.mark.parametrize(
    "trick",
    [
        add(planted()),
        add(planted()[:30]),
        add(b"x"),
        with_line("Connection: close", then=planted()),
        half(close=True),
        half(close=False),
        hang_up,
    ],
    ids=[
        "an answer", "half of one", "a byte", "after the last", "early close", "half an answer",
        "no answer",
    ],
)  # fmt: skip
def test_a_doubtful_answer_leaves_nothing_for_the_next(
    ask: Callable[..., Answer], planter: Planter, trick: Trick
) -> None:
    planter.tricks.append(trick)
    doubtful = ask(ADA)
    assert PLANTED not in doubtful.body
    assert not is_for("ada", doubtful)
    assert is_for("bob", ask(BOB))
    assert is_for("ada", ask(ADA))
    assert planter.asked[0].connection not in {asked.connection for asked in planter.asked[1:]}


@pytest.mark.parametrize("closed", [False, True])
def test_what_waits_on_an_idle_connection_is_nobodys_answer(
    ask: Callable[..., Answer], planter: Planter, closed: bool
) -> None:
    """Not even that of the same session."""
    for _ in range(3):
        assert is_for("ada", ask(ADA))
        planter.say(planted())
        if closed:
            planter.hang_up()
        assert is_for("bob", ask(BOB))
        assert is_for("ada", ask(ADA))
        planter.say(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")


def test_a_get_is_sent_once_more_when_its_connection_was_closed(
    ask: Callable[..., Answer], planter: Planter
) -> None:
    assert is_for("ada", ask(ADA))
    planter.tricks.append(hang_up)
    assert is_for("ada", ask(ADA))
    planter.tricks.append(hang_up)
    assert ask(ADA, "POST").status == 502
    assert [asked.method for asked in planter.asked] == ["GET", "GET", "GET", "POST"]

"""No answer reaches anybody but who asked for it, whatever the server plants; nothing is sent twice."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from frontend_site.transport.answer import BadAnswer
from frontend_site.transport.pool import Pool
from frontend_site.transport.request import Request
from frontend_site.transport.server import Server
from frontend_site.transport.wire import Patience
from tests.frontend_site.transport.planter import (
    PLANTED,
    Planter,
    Trick,
    add,
    half,
    hang_up,
    planted,
    reset_after,
    running_planter,
    send,
    with_line,
)
from tests.processes import wait_for

PATIENCE = Patience(connect=5, silence=5, deadline=10)
HURRY = Patience(connect=5, silence=0.2, deadline=10)


@pytest.fixture
def planter() -> Iterator[Planter]:
    with running_planter() as running:
        yield running


@pytest.fixture
def pool(planter: Planter) -> Pool:
    return Pool(Server("http", "127.0.0.1", planter.port), idle_limit=8)


def ask(
    pool: Pool, who: str, method: str = "GET", *, patience: Patience = PATIENCE, owner: str = ""
) -> bytes:
    body = () if method in ("GET", "HEAD") else (b"{}",)
    request = Request(method, "/x", {"Authorization": f"Bearer {who}"}, body, 2 * len(body))
    with closing(pool.send(request, patience, owner=owner)) as response:
        return response.read(10_000)


def is_for(who: str, body: bytes) -> bool:
    return bool(json.loads(body) == {"who": who})


def connections(planter: Planter) -> list[int]:
    return [asked.connection for asked in planter.asked]


# -- reuse


def test_a_get_uses_the_connection_of_the_one_before(pool: Pool, planter: Planter) -> None:
    assert all(is_for(who, ask(pool, who)) for who in ("ada", "bob", "ada"))
    assert ask(pool, "bob", "HEAD") == b""
    assert is_for("ada", ask(pool, "ada"))
    assert len(set(connections(planter))) == 1


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_an_unsafe_call_has_a_connection_of_its_own(
    pool: Pool, planter: Planter, method: str
) -> None:
    ask(pool, "ada")
    ask(pool, "ada", method)
    ask(pool, "ada", method)
    ask(pool, "ada")
    first, second, third, last = connections(planter)
    assert len({first, second, third}) == 3
    assert last == first


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize(
    "trick", [hang_up, half(close=True), send(b"HTTP/1.1 200"), send(b"junk\r\n")]
)
def test_an_unsafe_call_is_never_sent_twice(
    pool: Pool, planter: Planter, method: str, trick: Trick
) -> None:
    ask(pool, "ada")
    planter.tricks.append(trick)
    with pytest.raises((BadAnswer, OSError)):
        ask(pool, "ada", method, patience=HURRY)
    wait_for(lambda: len(planter.asked) > 1, "the call to arrive")
    ask(pool, "ada")
    assert [asked.method for asked in planter.asked] == ["GET", method, "GET"]


def test_a_get_with_a_body_counts_as_unsafe(pool: Pool, planter: Planter) -> None:
    ask(pool, "ada")
    with closing(
        pool.send(Request("GET", "/x", {"Authorization": "Bearer a"}, (b"{}",), 2), PATIENCE)
    ):
        pass
    assert len(set(connections(planter))) == 2


def test_a_connection_serves_one_owner_only(pool: Pool, planter: Planter) -> None:
    for owner in ("ada", "bob", "ada", "bob"):
        assert is_for(owner, ask(pool, owner, owner=owner))
    first, second, third, fourth = connections(planter)
    assert (first, second) == (third, fourth)
    assert first != second


def test_a_lonely_call_neither_takes_nor_leaves_a_connection(pool: Pool, planter: Planter) -> None:
    ask(pool, "ada")
    request = Request("GET", "/x", {"Authorization": "Bearer bob"})
    pool.send(request, PATIENCE, alone=True).close()
    ask(pool, "ada")
    first, lonely, last = connections(planter)
    assert first == last != lonely


def test_so_many_connections_are_kept_and_no_more(planter: Planter) -> None:
    pool = Pool(Server("http", "127.0.0.1", planter.port), idle_limit=2)
    for owner in ("ada", "bob", "eve", "eve", "bob", "ada"):
        ask(pool, owner, owner=owner)
    first, *others, last = connections(planter)
    assert others[:2] == others[:1:-1]  # eve's and bob's were kept
    assert first != last


# -- a get that met a closed connection


def test_a_kept_connection_that_was_closed_costs_nobody_an_answer(
    pool: Pool, planter: Planter
) -> None:
    ask(pool, "ada")
    planter.hang_up()
    assert is_for("bob", ask(pool, "bob"))
    assert len(planter.asked) == 2  # it was seen before anything was sent


def test_a_get_is_sent_once_more_when_a_kept_connection_closes_under_it(
    pool: Pool, planter: Planter
) -> None:
    ask(pool, "ada")
    planter.tricks.append(hang_up)
    assert is_for("bob", ask(pool, "bob"))
    planter.tricks.extend((hang_up, hang_up))
    with pytest.raises((BadAnswer, OSError)):
        ask(pool, "bob")
    assert [asked.who for asked in planter.asked] == ["ada", "bob", "bob", "bob", "bob"]


def test_a_get_that_was_answered_badly_is_not_sent_again(pool: Pool, planter: Planter) -> None:
    ask(pool, "ada")
    planter.tricks.append(send(b"junk\r\n\r\n"))
    with pytest.raises(BadAnswer):
        ask(pool, "bob")
    assert len(planter.asked) == 2


class Headers(dict[str, str]):
    """Does something when it is written: after the connection has been chosen, before it is used."""

    def __init__(self, who: str, then: Callable[[], object]) -> None:
        super().__init__(Authorization=f"Bearer {who}")
        self._then = then

    def items(self) -> Any:
        self._then()
        return super().items()


def test_what_was_planted_before_a_reset_is_nobodys_answer(pool: Pool, planter: Planter) -> None:
    """The kernel still hands it out, but what was asked never left."""
    go, gone = threading.Event(), threading.Event()
    planter.tricks.append(reset_after(planted(), go, gone))
    ask(pool, "ada")

    def reset() -> None:
        if not go.is_set():
            go.set()
            assert gone.wait(60)

    with closing(pool.send(Request("GET", "/x", Headers("bob", reset)), PATIENCE)) as response:
        assert is_for("bob", response.read(1000))
    assert len(planter.asked) == 2


# -- plants

WITH_THE_ANSWER = {
    "an answer": add(planted()),
    "half an answer": add(planted()[:40]),
    "a byte": add(b"x"),
    "a blank": add(b" "),
    "a null": add(b"\0"),
    "a timeout": add(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"),
    "an answer after the last": with_line("Connection: close", then=planted()),
    "an answer in answer to a length of two": send(
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}" + planted()
    ),
    "a body where none may be": send(b"HTTP/1.1 204 No\r\n\r\n" + planted()),
    "a body of not modified": send(b"HTTP/1.1 304 No\r\nContent-Length: 9\r\n\r\n" + planted()),
    "after chunks": send(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n" + planted()
    ),
}
QUIET = {
    "a line break": add(b"\r\n"),
    "a line break after no body": send(b"HTTP/1.1 204 No\r\n\r\n\r\n"),
    "chunks": send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
    "an older protocol": send(
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n{}"
    ),
    "an interim answer": send(
        b"HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    ),
    "its last answer": with_line("Connection: close", then=b""),
}


@pytest.mark.parametrize("trick", WITH_THE_ANSWER.values(), ids=WITH_THE_ANSWER)
def test_what_comes_with_an_answer_reaches_nobody(
    pool: Pool, planter: Planter, trick: Trick
) -> None:
    planter.tricks.append(trick)
    with pytest.raises(BadAnswer):
        ask(pool, "ada")
    assert is_for("bob", ask(pool, "bob"))
    assert len(set(connections(planter))) == 2


@pytest.mark.parametrize("trick", QUIET.values(), ids=QUIET)
def test_after_an_answer_that_was_not_exactly_framed_nothing_is_kept(
    pool: Pool, planter: Planter, trick: Trick
) -> None:
    planter.tricks.append(trick)
    ask(pool, "ada")
    assert is_for("bob", ask(pool, "bob"))
    assert len(set(connections(planter))) == 2


@pytest.mark.parametrize(
    "bytes_", [planted(), b"x", b"\r\n", b" ", b"HTTP/1.1 408 Request Timeout\r\n\r\n"]
)
@pytest.mark.parametrize("then_closed", [False, True])
def test_what_waits_on_an_idle_connection_reaches_nobody(
    pool: Pool, planter: Planter, bytes_: bytes, then_closed: bool
) -> None:
    ask(pool, "ada")
    planter.say(bytes_)
    if then_closed:
        planter.hang_up()
    assert is_for("bob", ask(pool, "bob"))
    assert is_for("ada", ask(pool, "ada"))
    assert len(set(connections(planter))) == 2


@pytest.mark.parametrize("close", [True, False])
def test_half_an_answer_is_none_and_its_rest_reaches_nobody(
    pool: Pool, planter: Planter, close: bool
) -> None:
    planter.tricks.append(half(close=close))
    with pytest.raises((BadAnswer, TimeoutError)):
        ask(pool, "ada", patience=HURRY)
    assert is_for("bob", ask(pool, "bob"))
    assert len(set(connections(planter))) == 2


def test_an_answer_that_nobody_read_to_its_end_reaches_nobody(pool: Pool, planter: Planter) -> None:
    planter.tricks.append(send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n{}"))
    request = Request("GET", "/x", {"Authorization": "Bearer ada"})
    with closing(pool.send(request, PATIENCE)) as response:
        assert response.next_piece() == b"{}"
    assert is_for("bob", ask(pool, "bob"))
    assert len(set(connections(planter))) == 2


def test_a_body_in_answer_to_head_reaches_nobody(pool: Pool, planter: Planter) -> None:
    planter.tricks.append(send(b"HTTP/1.1 200 OK\r\nContent-Length: 25\r\n\r\n" + PLANTED))
    with pytest.raises(BadAnswer):
        ask(pool, "ada", "HEAD")
    assert is_for("bob", ask(pool, "bob"))


def test_an_answer_in_single_bytes_is_exact_too(pool: Pool, planter: Planter) -> None:
    def in_single_bytes(sock: socket.socket, honest: bytes) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in honest:
            sock.sendall(bytes((byte,)))

    planter.tricks.append(in_single_bytes)
    assert is_for("ada", ask(pool, "ada"))
    assert is_for("bob", ask(pool, "bob"))
    assert len(set(connections(planter))) == 1


def test_hanging_up_ends_a_read_of_another_thread(pool: Pool, planter: Planter) -> None:
    planter.tricks.append(send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"))
    request = Request("GET", "/x", {"Authorization": "Bearer ada"})
    failures: list[Exception] = []
    with closing(pool.send(request, Patience(5, 60))) as response:

        def read() -> None:
            try:
                response.next_piece()
            except (BadAnswer, OSError) as error:
                failures.append(error)

        reader = threading.Thread(target=read)
        reader.start()
        response.hang_up()
        wait_for(lambda: failures, "the reader to be told")
        reader.join()


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\nX: y", "a\r", "a\n b", "\0", "a\x7f", "Ω"])
def test_a_header_with_a_control_character_is_not_sent(
    pool: Pool, planter: Planter, value: str
) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - http.client has its own words
        pool.send(Request("GET", "/x", {"Authorization": value}), PATIENCE)
    assert planter.asked == []

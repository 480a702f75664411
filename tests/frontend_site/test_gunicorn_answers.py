"""Short answers leave in one piece, and nothing else waits for more."""

from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.http.message import Request
from gunicorn.http.unreader import IterUnreader

from gunicorn_answers import WholeAnswer


class Wire:
    """What is sent, piece by piece."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def sendall(self, data: bytes) -> None:
        self.pieces.append(data)


@pytest.fixture
def wire() -> Wire:
    return Wire()


def answer(wire: Wire, length: int | None, *, method: str = "GET", status: str = "200 OK") -> Any:
    head = f"{method} / HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    config = Config()
    request = Request(config, IterUnreader(iter([head])), ("127.0.0.1", 1), 1)
    made = WholeAnswer(request, wire, config)
    made.start_response(status, [] if length is None else [("Content-Length", str(length))])
    return made


def test_a_short_answer_is_one_piece(wire: Wire) -> None:
    made = answer(wire, 4)
    made.write(b"ab")
    made.write(b"cd")
    made.close()
    assert [piece[-2:] for piece in wire.pieces] == [b"ab", b"cd"]
    assert wire.pieces[0].startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\n\r\nab" in wire.pieces[0]


@pytest.mark.parametrize(
    ("length", "method", "status"), [(0, "GET", "200 OK"), (4, "HEAD", "200 OK")]
)
def test_an_answer_without_a_body_is_sent_at_its_end(
    wire: Wire, length: int, method: str, status: str
) -> None:
    made = answer(wire, length, method=method, status=status)
    if length:
        made.write(b"abcd")  # of a HEAD: goes nowhere
    made.close()
    (only,) = wire.pieces
    assert only.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("length", [None, 65537])
def test_the_head_of_a_stream_and_of_a_long_answer_does_not_wait(
    wire: Wire, length: int | None
) -> None:
    made = answer(wire, length)
    made.send_headers()
    assert wire.pieces[0].endswith(b"\r\n\r\n")


def test_a_stream_keeps_its_chunks(wire: Wire) -> None:
    made = answer(wire, None)
    made.write(b"abc")
    made.close()
    assert b"".join(wire.pieces).partition(b"\r\n\r\n")[2] == b"3\r\nabc\r\n0\r\n\r\n"


def test_the_head_of_a_file_is_there_before_the_system_sends_it(wire: Wire) -> None:
    made = answer(wire, 3)
    seen: list[int] = []
    made.sendfile = lambda _: bool(seen.append(len(wire.pieces))) or True
    made.write_file([b"abc"])
    assert seen == [1]

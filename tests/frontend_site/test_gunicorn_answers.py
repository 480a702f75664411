"""Short answers leave in one piece, and nothing else waits for more."""

import time
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.http.errors import InvalidResponseHeader, InvalidResponseHeaderName
from gunicorn.http.message import Request
from gunicorn.http.unreader import IterUnreader

from gunicorn_answers import WholeAnswer, http_date


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


def lines_of(wire: Wire, headers: list[tuple[str, str]]) -> list[str]:
    made = answer(wire, None)
    made.status = None
    made.start_response("200 OK", headers)
    made.close()
    return wire.pieces[0].partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]


def test_headers_go_out_as_they_are_but_what_is_for_gunicorn_to_say(wire: Wire) -> None:
    ours = [("X-One", "1"), ("Set-Cookie", "a=b"), ("Set-Cookie", "c=d"), ("X-Latin", "\xe9")]
    hoppish = [("Connection", "close"), ("Transfer-Encoding", "gzip"), ("Keep-Alive", "9")]
    lines = lines_of(wire, [*ours, *hoppish, ("Content-Length", "0")])
    assert [line for line in lines if line.startswith(("X-", "Set-"))] == [
        f"{name}: {value}" for name, value in ours
    ]
    said = dict(line.split(": ", 1) for line in lines)
    assert (said["Connection"], said["Content-Length"]) == ("keep-alive", "0")
    assert said.keys().isdisjoint({"Transfer-Encoding", "Keep-Alive"})


@pytest.mark.parametrize(
    ("name", "value"),
    [("X-A", "a\r\nSet-Cookie: x=y"), ("X-A", "a\nb"), ("X-A", "a\x00"), ("X A", "a"), ("", "a"), ("X:", "a")],
)  # fmt: skip
def test_what_is_no_header_is_not_sent(wire: Wire, name: str, value: str) -> None:
    for headers in ([(name, value)], [("X-One", "1"), (name, value), ("X-Two", "2")]):
        with pytest.raises((InvalidResponseHeader, InvalidResponseHeaderName)):
            lines_of(wire, headers)
    assert wire.pieces == []


def test_the_date_is_the_time_of_now(wire: Wire) -> None:
    before = int(time.time())
    [date] = [line for line in lines_of(wire, []) if line.startswith("Date: ")]
    said = parsedate_to_datetime(date.partition(": ")[2]).timestamp()
    assert before <= said <= time.time()


def test_the_date_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    dates = set()
    for now in (0, 0.5, 1, 3600):
        monkeypatch.setattr(time, "time", lambda now=now: now)
        dates.add(http_date())
    assert dates == {
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "Thu, 01 Jan 1970 00:00:01 GMT",
        "Thu, 01 Jan 1970 01:00:00 GMT",
    }

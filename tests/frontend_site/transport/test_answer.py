"""What counts as an answer, in one piece or byte by byte."""

from itertools import islice

import pytest

from frontend_site.transport.answer import AnswerReader, BadAnswer, Framing

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def read(data: bytes, size: int, method: str = "GET") -> tuple[AnswerReader, bytes]:
    reader, body = AnswerReader(method), b""
    for start in range(0, len(data), size):
        body += reader.feed(data[start : start + size])
        if reader.finished:
            return reader, body
    reader.end()
    return reader, body


both_sizes = pytest.mark.parametrize("size", [1, 65536], ids=["in bytes", "whole"])

GOOD = {
    "a length": (OK + b"Content-Length: 2\r\n\r\n{}", b"{}", Framing.LENGTH),
    "no length": (OK + b"\r\n{}", b"{}", Framing.UNTIL_CLOSE),
    "an older protocol": (b"HTTP/1.0 200 OK\r\n\r\n{}", b"{}", Framing.UNTIL_CLOSE),
    "chunks": (CHUNKED + b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", b"{}", Framing.CHUNKED),
    "an extension": (CHUNKED + b"2;a=b\r\n{}\r\n0\r\n\r\n", b"{}", Framing.CHUNKED),
    "trailers": (CHUNKED + b"2\r\n{}\r\n0\r\nX-Late: 1\r\n\r\n", b"{}", Framing.CHUNKED),
    "no reason": (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n{}", b"{}", Framing.LENGTH),
    "no body": (b"HTTP/1.1 204 No\r\n\r\n", b"", Framing.NO_BODY),
    "not modified": (b"HTTP/1.1 304 No\r\nContent-Length: 9\r\n\r\n", b"", Framing.NO_BODY),
    "interim": (
        b"HTTP/1.1 100 Go on\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n"
        + OK
        + b"Content-Length: 2\r\n\r\n{}",
        b"{}",
        Framing.LENGTH,
    ),
}


@both_sizes
@pytest.mark.parametrize(("data", "body", "framing"), GOOD.values(), ids=GOOD)
def test_what_is_an_answer(data: bytes, body: bytes, framing: Framing, size: int) -> None:
    reader, received = read(data, size)
    assert reader.head is not None
    assert (received, reader.head.framing) == (body, framing)
    assert reader.head.get("link") == reader.head.get("x-late") == ""


BAD = {
    "two lengths": OK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "a list of lengths": OK + b"Content-Length: 2, 2\r\n\r\n{}",
    "length and coding": OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "coding and length": OK + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",
    "another coding": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "a coding twice": OK + b"Transfer-Encoding: chunked\r\n" * 2 + b"\r\n0\r\n\r\n",
    "a coding of its own": OK + b"Transfer-Encoding: identity\r\n\r\n{}",
    "a signed length": OK + b"Content-Length: +2\r\n\r\n{}",
    "an underscore": OK + b"Content-Length: 1_0\r\n\r\n{}",
    "a long length": OK + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n{}",
    "a fold": OK + b"X: a\r\n b\r\nContent-Length: 2\r\n\r\n{}",
    "a blank before the colon": OK + b"Content-Length : 2\r\n\r\n{}",
    "no colon": OK + b"Content-Length 2\r\n\r\n{}",
    "no name": OK + b": 2\r\nContent-Length: 2\r\n\r\n{}",
    "line feeds": OK.replace(b"\r", b"") + b"Content-Length: 2\n\n{}",
    "a line feed in a value": OK + b"X: a\nContent-Length: 2\r\n\r\n{}",
    "a return in a value": OK + b"X: a\rContent-Length: 2\r\n\r\n{}",
    "a control character": OK + b"X: a\x01\r\nContent-Length: 2\r\n\r\n{}",
    "a null": OK + b"X: a\0\r\nContent-Length: 2\r\n\r\n{}",
    "a status of two digits": b"HTTP/1.1 99 Odd\r\nContent-Length: 0\r\n\r\n",
    "an unknown status": b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n",
    "another protocol": b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "no HTTP": b"SSH-2.0-OpenSSH\r\n",
    "a request": b"GET / HTTP/1.1\r\n\r\n",
    "switched protocols": b"HTTP/1.1 101 Up\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "many interim answers": b"HTTP/1.1 102 Wait\r\n\r\n" * 21 + OK + b"Content-Length: 0\r\n\r\n",
    "a signed chunk": CHUNKED + b"+2\r\n{}\r\n0\r\n\r\n",
    "a chunk in C": CHUNKED + b"0x2\r\n{}\r\n0\r\n\r\n",
    "a chunk that goes on": CHUNKED + b"2\r\n{}x\r\n0\r\n\r\n",
    "a length among the trailers": CHUNKED + b"0\r\nContent-Length: 2\r\n\r\n",
    "a cut head": OK + b"Content-Le",
    "a cut body": OK + b"Content-Length: 3\r\n\r\n{}",
    "a cut chunk": CHUNKED + b"3\r\n{}",
    "no last chunk": CHUNKED + b"2\r\n{}\r\n",
    "no end of trailers": CHUNKED + b"2\r\n{}\r\n0\r\n",
    "a long head": OK + b"X: " + b"y" * 33_000 + b"\r\nContent-Length: 0\r\n\r\n",
    "a long reason": b"HTTP/1.1 200 " + b"y" * 33_000 + b"\r\nContent-Length: 0\r\n",
    "many lines": OK + b"X: y\r\n" * 101 + b"\r\n",
    "long trailers": CHUNKED + b"0\r\n" + b"X: y\r\n" * 101 + b"\r\n",
    "nothing": b"",
}


@both_sizes
@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
def test_what_is_none(data: bytes, size: int) -> None:
    with pytest.raises(BadAnswer):
        read(data, size)


def test_a_head_has_no_body_whatever_it_announces() -> None:
    for framing in (b"Content-Length: 9\r\n", b"Transfer-Encoding: chunked\r\n", b""):
        reader, body = read(OK + framing + b"\r\n", 65536, "HEAD")
        assert (reader.finished, body) == (True, b"")


@pytest.mark.parametrize("head", [OK + b"X: ", CHUNKED + b"0\r\nX: "], ids=["head", "trailers"])
def test_a_line_that_does_not_end_is_not_waited_for(head: bytes) -> None:
    reader = AnswerReader("GET")
    reader.feed(head)
    fed = iter(lambda: reader.feed(b"y" * 1000), None)
    with pytest.raises(BadAnswer, match="too long"):
        list(islice(fed, 40))


SWITCHED = b"HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"


@pytest.mark.parametrize("before", [b"", b"HTTP/1.1 103 Hints\r\nLink: x\r\n\r\n"])
def test_a_switch_that_was_asked_for_is_the_answer(before: bytes) -> None:
    reader = AnswerReader("GET", may_switch=True)
    rest = reader.feed(before + SWITCHED + b"\r\n\x81\x02hi")
    assert reader.head is not None
    assert (reader.head.status, rest, reader.may_be_followed) == (101, b"\x81\x02hi", False)


def test_one_that_nobody_asked_for_is_no_answer() -> None:
    with pytest.raises(BadAnswer):
        AnswerReader("GET").feed(SWITCHED + b"\r\n")

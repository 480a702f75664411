"""The table of auth_api's hot call reads what gunicorn would read, and leaves it everything else."""

from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.http import wsgi
from gunicorn.http.message import Request
from gunicorn.http.unreader import IterUnreader

from gunicorn_hot_call import answer_of, environ_of

CLIENT, SERVER = ("127.0.0.1", 40000), ("127.0.0.1", 8001)
LINES = [
    "GET /v1/session?slide=false HTTP/1.1",
    "Host: 127.0.0.1:8001",
    "Authorization: Bearer v1.k1.1764000000.mac",
    "Accept-Encoding: identity",
    "Gatehouse-Client-Address: 192.0.2.7",
    "Gatehouse-Client-User-Agent: ",
    "X-Request-Id: 0123456789abcdef",
    "Cookie: __Host-session=ref.secret",
]


def head_of(lines: list[str], end: str = "\r\n\r\n") -> bytes:
    return ("\r\n".join(lines) + end).encode("latin-1")


def read(head: bytes) -> dict[str, Any] | None:
    return environ_of(head, client=CLIENT, server=SERVER)


def test_it_reads_what_gunicorn_reads() -> None:
    head = head_of(LINES)
    request = Request(Config(), IterUnreader(iter([head])), CLIENT, 1)
    _, theirs = wsgi.create(request, None, CLIENT, SERVER, Config())
    ours = read(head)
    assert ours is not None
    named = {key for key in theirs if key.isupper()} - {"SERVER_SOFTWARE"}
    assert {key: ours.get(key) for key in named} == {key: theirs[key] for key in named}
    assert {key for key in ours if key.startswith("HTTP_")} <= theirs.keys()


@pytest.mark.parametrize(
    "line",
    [
        "Content-Length: 2",
        "Transfer-Encoding: chunked",
        "Connection: close",
        "Expect: 100-continue",
        "Upgrade: h2c",
        "X-Forwarded-For: 192.0.2.1",
        "Cookie: __Host-session=another",
        "cookie: __Host-session=another",
        "Host : x",
        " Host: x",
        "no colon",
        "Cookie: a\x00b",
        "Cookie: a\x7fb",
        "Cookie: \xe9",
        "Cookie: a\rb",
        "Cookie: a\nb",
        "Cookie: a\tb",
        "",
    ],
)
def test_what_is_not_in_the_table_is_gunicorns(line: str) -> None:
    assert read(head_of([*LINES, line])) is None
    assert read(head_of([LINES[0], line, *LINES[1:]])) is None


def test_an_underscore_is_no_dash() -> None:
    lines = [line for line in LINES if not line.startswith("Gatehouse-Client-Address")]
    assert read(head_of([*lines, "Gatehouse-Client-Address: 192.0.2.7"])) is not None
    assert read(head_of([*lines, "Gatehouse_Client_Address: 192.0.2.7"])) is None


@pytest.mark.parametrize(
    "first",
    [
        "POST /v1/session HTTP/1.1",
        "HEAD /v1/session HTTP/1.1",
        "GET /v1/session HTTP/1.0",
        "GET /v1/session HTTP/1x1",
        "GET /v1/sessions HTTP/1.1",
        "GET /v1/session/ HTTP/1.1",
        "GET //v1/session HTTP/1.1",
        "GET http://x/v1/session HTTP/1.1",
        "GET /v1/session?a b HTTP/1.1",
        "GET  /v1/session HTTP/1.1",
        "get /v1/session HTTP/1.1",
        "GET /v1/session HTTP/1.1 ",
    ],
)
def test_another_request_is_gunicorns(first: str) -> None:
    assert read(head_of([first, *LINES[1:]])) is None


@pytest.mark.parametrize("end", ["", "\r\n", "\n\n", "\r\n\r\nG", "\r\n\r\nGET", "\r\n\r\n\r\n"])
def test_half_a_request_or_more_than_one_is_gunicorns(end: str) -> None:
    assert read(head_of(LINES, end)) is None


class Body(list[bytes]):
    closed = False

    def close(self) -> None:
        self.closed = True


def application(headers: list[tuple[str, str]], body: Body) -> Any:
    def answer(environ: dict[str, Any], start_response: Any) -> Body:
        start_response("200 OK", headers)
        return body

    return answer


def test_an_answer_is_whole_and_its_body_closed() -> None:
    body = Body([b"{", b"}"])
    sent = answer_of(application([("Content-Length", "2")], body), {})
    head, _, content = sent.partition(b"\r\n\r\n")
    first, date, length = head.split(b"\r\n")
    assert (first, length, content) == (b"HTTP/1.1 200 OK", b"Content-Length: 2", b"{}")
    assert date.startswith(b"Date: ")
    assert date.endswith(b" GMT")
    assert body.closed


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\nb", "a\rb"])
def test_a_header_of_two_lines_is_no_answer(value: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        answer_of(application([("X-Odd", value)], Body()), {})

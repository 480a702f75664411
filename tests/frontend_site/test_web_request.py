"""The table of plain GETs reads what gunicorn would read, and leaves it everything else."""

import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.http import wsgi
from gunicorn.http.errors import ParseException
from gunicorn.http.message import Request
from gunicorn.http.parser import RequestParser
from gunicorn.http.unreader import IterUnreader
from hypothesis import given
from hypothesis import strategies as st

import gunicorn_web_request
from gunicorn_web_request import WebRequest, read_plain_gets_by_table
from tests.frontend_site.server import Server
from tests.frontend_site.stub import TOKEN, Stub

CLIENT, SERVER = ("192.0.2.7", 40000), ("127.0.0.1", 8000)
LINES = [
    "GET /account?next=/a%2Fb HTTP/1.1",
    "Host: gatehouse.example",
    "Connection: keep-alive",
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64)  ",
    "accept:text/html,application/xhtml+xml;q=0.9",
    "Cookie: __Host-session=ref.secret; other=1",
    "Sec-Fetch-Site: same-origin",
    "X-Forwarded-For: 192.0.2.1, 192.0.2.2",
    "X-Request-ID:",
]

CHROMIUM = """\
GET /account HTTP/1.1
Host: localhost:8000
Connection: keep-alive
sec-ch-ua: "Not:A-Brand";v="8", "Chromium";v="156"
sec-ch-ua-mobile: ?0
sec-ch-ua-platform: "Linux"
Upgrade-Insecure-Requests: 1
User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36
Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7
Sec-Fetch-Site: same-origin
Sec-Fetch-Mode: navigate
Sec-Fetch-User: ?1
Sec-Fetch-Dest: document
Referer: http://localhost:8000/login?next=%2Faccount
Accept-Encoding: gzip, deflate, br, zstd
Accept-Language: en-US,en;q=0.9
Cookie: __Host-csrf=a.b.c; __Host-session=ref.secret"""


def head_of(lines: list[str], end: str = "\r\n\r\n") -> bytes:
    return ("\r\n".join(lines) + end).encode("latin-1")


def config() -> Config:
    """As in gunicorn_web.py."""
    made = Config()
    made.set("limit_request_line", 4094)
    made.set("limit_request_fields", 60)
    made.set("forwarder_headers", "")
    made.set("secure_scheme_headers", {})
    made.set("header_map", "drop")
    return made


CONFIG = config()


def parsed(head: bytes) -> Any:
    return Request(CONFIG, IterUnreader(iter([head])), CLIENT, 1)


def gunicorns(head: bytes) -> dict[str, Any]:
    request = parsed(head)
    environ = gunicorn_web_request._gunicorns_create(request, None, CLIENT, SERVER, CONFIG)[1]
    return {**environ, "closes": request.should_close(), "body": request.body.read()}


def ours(
    head: bytes, *more: bytes, peer: Any = CLIENT, options: Config = CONFIG
) -> dict[str, Any] | None:
    """What is read by the table; None when it was left to gunicorn."""
    request = WebRequest(options, IterUnreader(iter([head, *more])), peer, 1)
    if request.plain is None:
        return None
    environ = gunicorn_web_request._create(request, None, CLIENT, SERVER, CONFIG)[1]
    return {**environ, "closes": request.should_close(), "body": request.body.read()}


def assert_same(head: bytes) -> None:
    mine, theirs = ours(head), gunicorns(head)
    assert mine is not None
    left_out = {
        "SERVER_SOFTWARE",
        "wsgi.early_hints",
        "wsgi.errors",
        "wsgi.input",
        "wsgi.multithread",  # set when the request is handled
        "wsgi.multiprocess",
    }
    named = (mine.keys() | theirs.keys()) - left_out
    assert {key: mine.get(key) for key in named} == {key: theirs.get(key) for key in named}


def assert_gunicorns(head: bytes) -> None:
    """It is gunicorn's to read, or to refuse."""
    try:
        parsed(head)
    except ParseException as error:
        with pytest.raises(type(error)):
            ours(head)
    else:
        assert ours(head) is None


def test_it_reads_what_gunicorn_reads() -> None:
    assert_same(head_of(LINES))


def test_it_reads_what_a_browser_sends() -> None:
    assert_same(head_of(CHROMIUM.split("\n")))


@pytest.mark.parametrize("path", ["/", "/a", "/a//b", "/a/", "/.", "/../x", "/~a_b-c.d", "/a?", "/a?b=c&d=%41+/:,;@!$*"])  # fmt: skip
def test_it_reads_addresses_as_gunicorn_does(path: str) -> None:
    assert_same(head_of([f"GET {path} HTTP/1.1", *LINES[1:]]))


@pytest.mark.parametrize("word", ["close", "Close", "keep-alive", "Keep-Alive"])
def test_it_keeps_and_closes_as_gunicorn_does(word: str) -> None:
    assert_same(head_of([LINES[0], LINES[1], f"Connection: {word}"]))


@pytest.mark.parametrize(
    "line",
    [
        "Content-Length: 0",
        "Content-Length: 2",
        "Transfer-Encoding: chunked",
        "Content-Type: text/plain",
        "Expect: 100-continue",
        "Upgrade: h2c",
        "TE: trailers",
        "SCRIPT_NAME: /x",
        "X_Forwarded_For: 192.0.2.1",
        "Accept_Language: x",  # with a dash it would be new, and in the table
        "X_Real_IP: 192.0.2.1",
        "Range: bytes=0-1",
        "X-Odd: 1",
        "Host: another",
        "host: another",
        "Cookie: a=b",
        "COOKIE: a=b",
        "Accept : x",
        " Accept-Language: x",
        "\tfolded",
        "no colon",
        "DNT",
        ": no name",
        "Accept-Language: a\x00b",
        "Accept-Language: a\x7fb",
        "Accept-Language: \xe9",
        "Accept-Language: a\rb",
        "Accept-Language: a\nb",
        "Accept-Language: a\tb",
        "",
    ],
)
def test_a_line_that_is_not_in_the_table_is_gunicorns(line: str) -> None:
    for lines in ([*LINES, line], [LINES[0], line, *LINES[1:]]):
        head = head_of(lines)
        assert_gunicorns(head)


@pytest.mark.parametrize("word", ["upgrade", "keep-alive, upgrade", "close, x", ""])
def test_another_wish_for_the_connection_is_gunicorns(word: str) -> None:
    assert ours(head_of([LINES[0], LINES[1], f"Connection: {word}"])) is None


@pytest.mark.parametrize(
    "first",
    [
        "POST / HTTP/1.1",
        "HEAD / HTTP/1.1",
        "GET / HTTP/1.0",
        "GET / HTTP/1x1",
        "GET //evil.example HTTP/1.1",
        "GET /%61ccount HTTP/1.1",
        "GET /accoun%74 HTTP/1.1",
        "GET /a;b HTTP/1.1",
        "GET /a?b#c HTTP/1.1",
        "GET http://evil.example/ HTTP/1.1",
        "GET /" + "a" * 4094 + " HTTP/1.1",
        "get / HTTP/1.1",
        "GET  / HTTP/1.1",
        "GET / HTTP/1.1 ",
        "GET /a b HTTP/1.1",
        "GET * HTTP/1.1",
    ],
)
def test_another_first_line_is_gunicorns(first: str) -> None:
    head = head_of([first, *LINES[1:]])
    assert_gunicorns(head)


def test_a_long_head_is_gunicorns() -> None:
    assert ours(head_of([*LINES, "Referer: /" + "a" * 3500])) is not None
    assert ours(head_of([*LINES, "Referer: /" + "a" * 4094])) is None


def test_a_head_in_pieces_and_two_at_once_are_gunicorns() -> None:
    head = head_of(LINES)
    assert ours(head[:40], head[40:]) is None
    assert ours(head + head) is None
    assert ours(head + b"G") is None


def test_a_peer_without_an_address_is_gunicorns() -> None:
    assert ours(head_of(LINES), peer="") is None


def test_behind_a_certificate_of_our_own_the_scheme_is_https() -> None:
    secure = config()
    secure.set("certfile", __file__)
    for options, scheme in ((CONFIG, "http"), (secure, "https")):
        mine = ours(head_of(LINES), options=options)
        assert mine is not None
        assert mine["wsgi.url_scheme"] == scheme


@pytest.mark.parametrize(
    ("option", "value"), [("proxy_protocol", "auto"), ("accesslog", "-"), ("syslog", True)]
)
def test_what_wants_to_know_more_of_each_request_turns_the_table_off(
    monkeypatch: pytest.MonkeyPatch, option: str, value: Any
) -> None:
    monkeypatch.setattr(RequestParser, "mesg_class", Request)
    monkeypatch.setattr(wsgi, "create", wsgi.create)
    options = config()
    options.set(option, value)
    read_plain_gets_by_table(options)
    assert RequestParser.mesg_class is Request
    read_plain_gets_by_table(CONFIG)
    assert RequestParser.mesg_class is WebRequest


def test_nothing_more_ends_the_connection() -> None:
    with pytest.raises(StopIteration):
        ours(b"")


PIECES = [
    *LINES,
    *(line + "x" for line in LINES),
    "GET / HTTP/1.1",
    "Host: b",
    "Content-Length: 3",
    "Transfer-Encoding: chunked",
    "Cookie : a=b",
    "Accept-Language: de\x0b",
    "Priority: u=1",
    "Connection: close",
    "",
    "\r",
    " folded: x",
]


@given(
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=6),
    st.sampled_from(["\r\n\r\n", "\r\n", "\n\n", "\r\n\r\n{}", "\r\n\r\n\r\n"]),
    st.integers(0, 200),
    st.characters(max_codepoint=255),
)
def test_whatever_the_table_takes_gunicorn_reads_alike(
    lines: list[str], end: str, where: int, odd: str
) -> None:
    head = head_of([LINES[0], *lines], end).decode("latin-1")
    for text in (head, head[:where] + odd + head[where:]):
        data = text.encode("latin-1")
        try:
            mine = ours(data)
        except Exception:  # gunicorn's parser was asked, and refused or wants more
            mine = None
        if mine is not None:
            assert_same(data)


class Kept:
    """One connection that stays open."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=15)
        self._received = b""

    def send(self, method: str, path: str, *lines: str, body: bytes = b"") -> None:
        head = [f"{method} {path} HTTP/1.1", "Host: localhost", *lines]
        head += [f"Content-Length: {len(body)}"] if body else []
        self.socket.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + body)

    def answer(self) -> tuple[int, bytes]:
        """Status and body of the next answer, which must say how long it is."""
        while b"\r\n\r\n" not in self._received:
            self._received += self._more()
        head, _, rest = self._received.partition(b"\r\n\r\n")
        [length] = [
            int(line.partition(b":")[2])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        ]
        while len(rest) < length:
            rest += self._more()
        self._received = rest[length:]
        return int(head.split(b" ")[1]), rest[:length]

    def _more(self) -> bytes:
        data = self.socket.recv(65536)
        assert data, "closed"
        return data


@pytest.fixture
def kept(server: Server) -> Iterator[Kept]:
    made = Kept(server.port)
    with closing(made.socket):
        yield made


COOKIE = f"Cookie: __Host-session={TOKEN}"


def test_plain_and_other_requests_take_turns_on_one_connection(kept: Kept, stub: Stub) -> None:
    for _ in range(3):
        kept.send("GET", "/account", COOKIE)
        status, body = kept.answer()
        assert (status, b"Ada Lovelace" in body) == (200, True)
        kept.send(
            "POST", "/login", "Content-Type: application/json", body=b"GET / HTTP/1.1\r\n\r\n"
        )
        assert kept.answer()[0] == 415
        kept.send("GET", "/login", "X-Odd: 1")
        assert kept.answer()[0] == 200
        kept.send("GET", "/static/frontend_site/site.css")
        status, body = kept.answer()
        assert (status, b"--" in body) == (200, True)
    assert stub.calls == ["GET /v1/session"] * 3


def test_two_requests_at_once_are_both_answered(kept: Kept) -> None:
    one = f"GET /account HTTP/1.1\r\nHost: localhost\r\n{COOKIE}\r\n\r\n".encode()
    two = b"GET /login HTTP/1.1\r\nHost: localhost\r\n\r\n"
    kept.socket.sendall(one + two + one)
    pages = [kept.answer()[1] for _ in range(3)]
    assert [b"Ada Lovelace" in page for page in pages] == [True, False, True]


def test_a_request_may_come_in_pieces(kept: Kept) -> None:
    data = f"GET /account HTTP/1.1\r\nHost: localhost\r\n{COOKIE}\r\n\r\n".encode()
    for start in range(0, len(data), 7):
        kept.socket.sendall(data[start : start + 7])
    assert kept.answer()[0] == 200


def test_a_connection_that_is_to_close_is_closed(kept: Kept) -> None:
    kept.send("GET", "/login", "Connection: close")
    assert kept.answer()[0] == 200
    assert kept.socket.recv(1) == b""


def test_a_request_that_names_two_hosts_is_refused(kept: Kept) -> None:
    kept.send("GET", "/login", "Host: another")
    assert kept.answer()[0] == 400

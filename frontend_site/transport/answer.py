"""Parses one response with llhttp, the parser of Node.js, in strict mode (httptools).

It refuses, among others: a length that is no number or comes twice, a length beside a coding,
folded headers, blanks before a colon, bare line feeds, control characters, bad chunk sizes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

_HEAD_LIMIT = 32 * 1024  # bytes
_MOST_LINES = 100
_MOST_INTERIM = 20
_NO_BODY = frozenset({204, 304})
_END_OF_HEAD = b"\r\n\r\n"


class BadAnswer(Exception):
    """The answer is not HTTP, is cut, or could be read in two ways."""


class Framing(Enum):
    """How the end of an answer shows."""

    NO_BODY = "by its status, or because it answers HEAD"
    LENGTH = "Content-Length"
    CHUNKED = "Transfer-Encoding: chunked"
    UNTIL_CLOSE = "the connection ends"


@dataclass(frozen=True)
class Head:
    """Status and header lines of an answer; names in lower case."""

    status: int
    lines: list[tuple[str, str]]
    framing: Framing
    interim: int = 0  # how many interim answers (1xx) came before it
    version: str = "1.1"

    def get(self, name: str) -> str:
        """Return the first value of `name` (in lower case), "" without one."""
        return next(self.all(name), "")

    def all(self, name: str) -> Iterator[str]:
        """Return every value of header `name`, in order."""
        return (value for given, value in self.lines if given == name)

    @property
    def is_exact(self) -> bool:
        """Whether a final answer of HTTP/1.1 says from the start where it ends."""
        framed = self.framing in (Framing.LENGTH, Framing.NO_BODY)
        return framed and not self.interim and self.version == "1.1"


class AnswerReader:
    """Is fed what a connection brings, until the answer has `finished`.

    Interim answers (RFC 9110, 15.2) are passed over, trailers are dropped. A 101 is refused; with
    `may_switch` it is the answer, and its body is what came after it in the other protocol.
    """

    def __init__(self, method: str, *, may_switch: bool = False) -> None:
        self.head: Head | None = None
        self.finished = False
        self.may_be_followed = False  # by another answer on the same connection
        self._answers_head = method == "HEAD"
        self._may_switch = may_switch
        self._lines: list[tuple[str, str]] = []
        self._count = self._size = self._without_body = self._interim = 0
        self._pieces: list[bytes] = []
        self._keeps_alive = False
        self._parser = HttpResponseParser(self)

    def feed(self, data: bytes) -> bytes:
        """Return what `data` has of the body. Raises BadAnswer."""
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade as upgrade:
            del self._parser  # it refers to us
            return data[upgrade.args[0] :]  # where HTTP ends
        except HttpParserError as error:
            raise BadAnswer(str(error)) from error
        body = b"".join(self._pieces)
        self._pieces.clear()
        self._without_body = 0 if body else self._without_body + len(data)
        if self._without_body > _HEAD_LIMIT:  # the parser keeps a line until it has ended
            raise BadAnswer("head or trailers too long")
        if self.finished:
            self._finish(data, body)
        return body

    def end(self) -> None:
        """Take the end of the connection. Raises BadAnswer if that cut the answer."""
        if self.head is None or self.head.framing is not Framing.UNTIL_CLOSE:
            raise BadAnswer("cut short")
        self.finished = True
        del self._parser  # it refers to us

    def _finish(self, data: bytes, body: bytes) -> None:
        """Nothing may follow the answer; the parser itself passes over line breaks there."""
        del self._parser  # it refers to us
        exact = self.head is not None and self.head.is_exact and self._keeps_alive
        line_breaks = data.endswith(b"\r\n" + _END_OF_HEAD)
        last = data.endswith(body) if body else data.endswith(_END_OF_HEAD) and not line_breaks
        self.may_be_followed = exact and last

    # -- what the parser calls; what is raised here, it raises as HttpParserError

    def on_message_begin(self) -> None:
        """Note that an answer starts (httptools calls this)."""
        if self.finished:
            raise BadAnswer("more than was announced")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header (httptools calls this)."""
        self._count += 1
        self._size += len(name) + len(value)
        if self._size > _HEAD_LIMIT or self._count > _MOST_LINES:
            raise BadAnswer("head or trailers too long")
        if self.head is None:  # not a trailer
            self._lines.append((name.decode("latin-1").lower(), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        """Check the head, and start the body unless the answer is an interim one (httptools calls this)."""
        status = self._parser.get_status_code()
        if status == 101 and self._may_switch:
            self.head = Head(status, self._lines, Framing.NO_BODY, self._interim)
            return None
        if status < 200:
            return self._pass_over(status)
        version = self._parser.get_http_version()
        if not 200 <= status <= 599 or version not in ("1.0", "1.1"):
            raise BadAnswer("unknown status or version")
        self.head = Head(status, self._lines, self._framing(status), self._interim, version)
        self._keeps_alive = self._parser.should_keep_alive()
        self.finished = self._answers_head
        return None

    def on_body(self, piece: bytes) -> None:
        """Take a piece of the body (httptools calls this)."""
        if self.finished:
            raise BadAnswer("a body in answer to HEAD")
        self._pieces.append(piece)

    def on_message_complete(self) -> None:
        """Note the end of an answer (httptools calls this)."""
        self.finished = self.head is not None

    def _pass_over(self, status: int) -> None:
        self._interim += 1
        if status == 101 or self._interim > _MOST_INTERIM:
            raise BadAnswer("no final answer")
        self._lines.clear()

    def _framing(self, status: int) -> Framing:
        """RFC 9112, 6.3, without what two readers could cut in two ways."""
        names = dict(self._lines)
        is_coded = "transfer-encoding" in names
        if is_coded:
            codings = [value for name, value in self._lines if name == "transfer-encoding"]
            if codings != ["chunked"]:
                raise BadAnswer("an unknown coding")
        if self._answers_head or status in _NO_BODY:
            return Framing.NO_BODY
        if is_coded:
            return Framing.CHUNKED
        return Framing.LENGTH if "content-length" in names else Framing.UNTIL_CLOSE

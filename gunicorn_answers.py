"""How gunicorn sends our answers: a short one in one piece, and nothing checked or written anew for each.

gunicorn sends head and body apart: two system calls and two packets, and the reader may wake up twice.
It has no setting for that, so a worker calls `send_short_answers_whole()` when it starts.
"""

import time
from email.utils import formatdate
from functools import lru_cache
from typing import Any

from gunicorn import util
from gunicorn.http import wsgi

_SHORT = 65536  # bytes


class WholeAnswer(wsgi.Response):  # type: ignore[misc]
    """Holds the head of a short answer of known length back until its body comes."""

    sock: Any
    _head = b""

    def process_headers(self, headers: list[tuple[str, str]]) -> None:
        """As gunicorn's: refuse what is no header, leave out what is for gunicorn to say.

        Blanks around a value stay: they mean nothing (RFC 9110, 5.5).
        """
        # No control character in all of them together: none in any.
        if not wsgi.HEADER_VALUE_RE.fullmatch("".join([value for _, value in headers])):
            super().process_headers(headers)  # which says what is wrong
        for header in headers:
            if _is_usual(header[0]):
                self.headers.append(header)
            else:
                super().process_headers([header])

    def send_headers(self) -> None:
        length = self.response_length
        if self.headers_sent or length is None or length > _SHORT:
            super().send_headers()  # also of a stream: nobody knows when its first piece comes
            return
        sock, self.sock = self.sock, _Keeper()
        try:
            super().send_headers()
            self._head = self.sock.kept
        finally:
            self.sock = sock

    def _emit_body(self, data: bytes) -> None:
        head, self._head = self._head, b""
        util.write(self.sock, head + data if head else data, self.chunked)

    def write_file(self, respiter: Any) -> None:
        self.send_headers()
        self._send_head()  # the system sends the file itself
        super().write_file(respiter)

    def close(self) -> None:
        self.send_headers()
        self._send_head()  # of an answer without a body
        super().close()

    def _send_head(self) -> None:
        if self._head:
            self._emit_body(b"")


class _Keeper:
    """Takes what would be sent."""

    def __init__(self) -> None:
        self.kept = b""

    def sendall(self, data: bytes) -> None:
        self.kept += data


@lru_cache(maxsize=256)
def _is_usual(name: str) -> bool:
    """Whether header `name` is a token that gunicorn passes on as it stands."""
    known = name.lower() == "content-length" or util.is_hoppish(name)
    return bool(wsgi.TOKEN_RE.fullmatch(name)) and not known


def http_date() -> str:
    """Return the time as a Date header has it (RFC 9110, 6.6.1)."""
    return _http_date(int(time.time()))


@lru_cache(maxsize=1)
def _http_date(now: int) -> str:
    return formatdate(now, usegmt=True)


def send_short_answers_whole() -> None:
    """Replace how this process sends answers."""
    wsgi.Response = WholeAnswer
    util.http_date = http_date

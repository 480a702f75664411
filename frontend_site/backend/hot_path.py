"""A small HTTP client for the one call that every page makes: GET, to our own auth_api, kept alive.

requests costs such a call more CPU than everything else on the page's way (docs/reference/benchmarks.md).
auth_api's answers are known: a Content-Length, no coding, no redirects. Anything else is not
understood here, on purpose; two parsers that disagree are how answers get mixed up.
"""

import re
import socket
import time
from collections import deque
from dataclasses import dataclass

_HEAD_LIMIT = 32 * 1024  # bytes
_STATUS = re.compile(r"HTTP/1\.1 ([1-5][0-9]{2})(?: [^\r\n]*)?", re.ASCII)
_LENGTH = re.compile("[0-9]{1,10}", re.ASCII)
_BLANKS = " \t\r\n\v\f"
_NO_BODY = frozenset({204, 304})


class NotUnderstood(Exception):
    """The answer is not one that auth_api gives."""


class Closed(Exception):
    """A kept connection had been closed before it said anything."""


@dataclass(frozen=True)
class RawAnswer:
    """Status, header lines (names in lower case) and body."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class HotPath:
    """Kept-alive connections to one server. Safe to share by all greenlets or threads of a worker.

    `silence` and `deadline` in seconds: of one wait, and of the whole call; `limit` in bytes.
    """

    def __init__(
        self, host: str, port: int, *, connect_timeout: float, silence: float, deadline: float,
        limit: int,
    ) -> None:  # fmt: skip
        self._address = (host, port)
        self._connect_timeout = connect_timeout
        self._silence = silence
        self._deadline = deadline
        self._limit = limit
        self._idle: deque[socket.socket] = deque()  # append and pop are atomic

    def get(self, head: bytes) -> RawAnswer:
        """Send `head`, the whole of a GET request, and return the answer.

        Once more over a new connection, when a kept one had been closed. Raises OSError or
        NotUnderstood.
        """
        until = time.monotonic() + self._deadline
        try:
            kept = self._idle.pop()
        except IndexError:
            return self._exchange(self._connect(), head, until)
        try:
            return self._exchange(kept, head, until, kept=True)
        except Closed:
            return self._exchange(self._connect(), head, until)

    def _connect(self) -> socket.socket:
        sock = socket.create_connection(self._address, self._connect_timeout)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(self._silence)
        return sock

    def _exchange(
        self, sock: socket.socket, head: bytes, until: float, *, kept: bool = False
    ) -> RawAnswer:
        try:
            received = self._first_bytes(sock, head, kept=kept)
            answer, reusable = self._read(sock, received, until)
        except BaseException:
            sock.close()  # what is left of an answer is not for the next call
            raise
        if reusable:
            self._idle.append(sock)
        else:
            sock.close()
        return answer

    def _first_bytes(self, sock: socket.socket, head: bytes, *, kept: bool) -> bytes:
        try:
            sent = sock.send(head)  # nearly always all of it; gevent's sendall asks the system more
            if sent < len(head):
                sock.sendall(head[sent:])
            received = sock.recv(65536)
        except ConnectionError as error:
            if kept:
                raise Closed from error
            raise
        if not received:
            if kept:
                raise Closed
            raise NotUnderstood("closed without an answer")
        return received

    def _read(self, sock: socket.socket, received: bytes, until: float) -> tuple[RawAnswer, bool]:
        while (end := received.find(b"\r\n\r\n")) < 0:
            if len(received) > _HEAD_LIMIT:
                raise NotUnderstood("head too long")
            received += self._more(sock, until)
        status, headers = _parse(received[:end])
        length = 0 if status in _NO_BODY else _length(headers)
        if length > self._limit:
            raise NotUnderstood("answer too long")
        pieces, size = [received[end + 4 :]], len(received) - end - 4
        while size < length:
            pieces.append(self._more(sock, until))
            size += len(pieces[-1])
        if size > length:
            raise NotUnderstood("more than was announced")
        reusable = ("connection", "close") not in ((n, v.lower()) for n, v in headers)
        return RawAnswer(status, headers, b"".join(pieces)), reusable

    def _more(self, sock: socket.socket, until: float) -> bytes:
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the call's deadline has passed")
        if left < self._silence:
            sock.settimeout(left)
        try:
            received = sock.recv(65536)
        finally:
            if left < self._silence:
                sock.settimeout(self._silence)
        if not received:
            raise NotUnderstood("cut short")
        return received


def _parse(head: bytes) -> tuple[int, list[tuple[str, str]]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    status = _STATUS.fullmatch(first)
    if status is None:
        raise NotUnderstood("no HTTP/1.1")
    headers = []
    for line in lines:
        name, colon, value = line.partition(":")
        # Without a name: folded, or blanks before the colon.
        if not colon or not name or name != name.strip(_BLANKS):
            raise NotUnderstood("no header")
        headers.append((name.lower(), value.strip(_BLANKS)))
    return int(status[1]), headers


def _length(headers: list[tuple[str, str]]) -> int:
    lengths = [value for name, value in headers if name == "content-length"]
    coded = any(name == "transfer-encoding" for name, _ in headers)
    if coded or len(lengths) != 1 or not _LENGTH.fullmatch(lengths[0]):
        raise NotUnderstood("no plain length")
    return int(lengths[0])

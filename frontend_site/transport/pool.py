"""Sends requests and keeps connections: the rules of both, for everything behind this site."""

import re
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any

from .answer import AnswerReader, BadAnswer, Head
from .server import Server
from .wire import Patience, Wire, connected

_SAFE = frozenset({"GET", "HEAD"})
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")  # RFC 9110, 5.5; http.client would let folds pass
_LONGEST_IDLE = (
    30.0  # seconds: longer, and something between us and the server may have forgotten it
)
# A server that answers before it has read all of a request may close at once; TLS says it its way.
_CLOSED = (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError)


@dataclass(frozen=True)
class Request:
    """One request. `headers` without Host, Connection and the framing, which are made here.

    `length` of the body in bytes, None when it is sent in chunks.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    body: Iterable[bytes] = ()
    length: int | None = 0

    @property
    def is_safe(self) -> bool:
        """Whether it may use a kept connection, and be sent again when that had been closed."""
        return self.method in _SAFE and self.length == 0


class Response:
    """An answer whose head has come. Close it, read to its end or not."""

    def __init__(
        self, wire: Wire, reader: AnswerReader, first: bytes, head: Head, keep: Callable[[], None] | None
    ) -> None:  # fmt: skip
        self.head = head
        self._wire = wire
        self._reader = reader
        self._first = first  # what of the body came with the head
        self._keep = keep
        self._closed = False

    def next_piece(self) -> bytes:
        """Return more of the body, as soon as there is some; b"" at its end.

        Raises OSError and BadAnswer, also for a body that is cut.
        """
        piece, self._first = self._first, b""
        while not piece and not self._reader.finished:
            if data := self._wire.receive():
                piece = self._reader.feed(data)
            else:
                self._reader.end()
        return piece

    def read(self, limit: int) -> bytes:
        """Return the whole body. Raises OSError and BadAnswer, also for one of over `limit` bytes."""
        pieces, size = [], 0
        while piece := self.next_piece():
            pieces.append(piece)
            size += len(piece)
            if size > limit:
                raise BadAnswer("answer too long")
        return b"".join(pieces)

    def hang_up(self) -> None:
        """End the connection while another thread reads from it, which sees that as its end."""
        self._wire.shut_down()

    def close(self) -> None:
        """Keep the connection if nothing of this answer can be left on it, otherwise close it."""
        if self._closed:
            return
        self._closed = True
        if self._keep and self._reader.may_be_followed:
            self._keep()
        else:
            self._wire.close()


class _Closed(Exception):
    """A kept connection had been closed before it said anything."""


class Pool:
    """Connections to one server. Safe to share by all greenlets or threads of a worker.

    An unsafe request always has a connection of its own, and is never sent twice. GET and HEAD may
    use a kept one: kept after an answer that was exactly framed, used only if no byte waits on it.
    """

    def __init__(self, server: Server, *, idle_limit: int) -> None:
        self._server = server
        self._idle_limit = idle_limit
        self._idle: list[tuple[str, float, Wire]] = []  # owner, since when; oldest first
        self._lock = threading.Lock()

    def send(
        self, request: Request, patience: Patience, *, owner: str = "", alone: bool = False
    ) -> Response:
        """Send `request` and return the answer once its head is there.

        A kept connection is used by the same `owner` again only; `alone`: by this request only.
        Raises OSError, BadAnswer, ValueError for a header that is none, and what its body raises.
        """
        until = None if patience.deadline is None else time.monotonic() + patience.deadline
        shared = request.is_safe and not alone
        if shared and (kept := self._take(owner)):
            kept.begin_call(patience, until)
            try:
                return self._exchange(kept, request, owner, is_kept=True)
            except _Closed:
                pass  # a server may close an idle connection; once more over a new one
        wire = connected(self._server, patience.connect)
        wire.begin_call(patience, until)
        return self._exchange(wire, request, owner if shared else None)

    def _exchange(
        self, wire: Wire, request: Request, owner: str | None, *, is_kept: bool = False
    ) -> Response:
        """`owner` is None for a connection that is not to be kept."""
        try:
            was_closed = not self._write(wire, request, closes=owner is None)
            if was_closed and is_kept:
                raise _Closed
            reader = AnswerReader(request.method)
            body = self._read_head(wire, reader, is_kept=is_kept)
            if reader.head is None:
                raise BadAnswer("no answer")
        except BaseException:
            wire.close()  # what is left of an answer is not for the next call
            raise
        keep = None if owner is None else lambda: self._keep(owner, wire)
        return Response(wire, reader, body, reader.head, keep)

    def _write(self, wire: Wire, request: Request, *, closes: bool) -> bool:
        """Return whether all of it was sent: a server may answer and hang up before it has read it."""
        writer = HTTPConnection(self._server.host, self._server.port)
        connection: Any = writer  # its socket is declared as a real one
        connection.sock = wire
        writer.putrequest(request.method, request.target, skip_host=True, skip_accept_encoding=True)
        writer.putheader("Host", self._server.authority)
        for name, value in request.headers.items():
            if not _VALUE.fullmatch(value):
                raise ValueError(f"{name} has a control character")
            writer.putheader(name, value)
        if closes:
            writer.putheader("Connection", "close")
        if request.length is None:
            writer.putheader("Transfer-Encoding", "chunked")
        elif not request.is_safe:
            writer.putheader("Content-Length", str(request.length))
        try:
            body = request.body if request.length != 0 else None
            writer.endheaders(body, encode_chunked=request.length is None)
        except _CLOSED:
            return False
        return True

    def _read_head(self, wire: Wire, reader: AnswerReader, *, is_kept: bool) -> bytes:
        """Return what of the body came with the head."""
        try:
            data = wire.receive()
        except _CLOSED:
            if not is_kept:
                raise
            data = b""
        if not data and is_kept:
            raise _Closed
        while True:
            if not data:
                reader.end()
            body = reader.feed(data)
            if reader.head is not None:
                return body
            data = wire.receive()

    def _take(self, owner: str) -> Wire | None:
        while (kept := self._newest(owner)) is not None:
            if kept.is_quiet():
                return kept
            kept.close()
        return None

    def _newest(self, owner: str) -> Wire | None:
        oldest = time.monotonic() - _LONGEST_IDLE
        with self._lock:
            for at in range(len(self._idle) - 1, -1, -1):
                whose, since, wire = self._idle[at]
                if whose == owner and since > oldest:
                    del self._idle[at]
                    return wire
        return None

    def _keep(self, owner: str, wire: Wire) -> None:
        now = time.monotonic()
        dropped = []
        with self._lock:
            self._idle.append((owner, now, wire))
            while len(self._idle) > self._idle_limit or self._idle[0][1] < now - _LONGEST_IDLE:
                dropped.append(self._idle.pop(0)[2])
        for old in dropped:
            old.close()

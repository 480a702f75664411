"""Selects the connection for a request, and decides whether it may be sent again."""

import time
from functools import partial

from .answer import AnswerReader, BadAnswer
from .idle import IdleConnections
from .request import Request, write
from .response import Response
from .server import Server
from .wire import CLOSED, Patience, Wire, connected


class _ClosedBefore(Exception):
    """A kept connection had been closed before it said anything."""


class Pool:
    """Connections to one server. Safe to share by all greenlets or threads of a worker.

    An unsafe request always has a connection of its own, and is never sent twice. GET and HEAD may
    use a kept one: kept after an answer that was exactly framed, used only if no byte waits on it.
    """

    def __init__(self, server: Server, *, idle_limit: int) -> None:
        self._server = server
        self._idle = IdleConnections(idle_limit)

    def send(
        self, request: Request, patience: Patience, *, owner: str = "", alone: bool = False
    ) -> Response:
        """Send `request` and return the answer once its head is there.

        A kept connection is used by the same `owner` again only; `alone`: by this request only.
        Raises OSError, BadAnswer, ValueError for a header that is none, and what its body raises.
        """
        until = None if patience.deadline is None else time.monotonic() + patience.deadline
        shared = owner if request.is_safe and not alone else None
        kept = None if shared is None else self._idle.take(shared)
        if kept:
            kept.begin_call(patience, until)
            try:
                return self._exchange(kept, request, shared, is_kept=True)
            except _ClosedBefore:
                pass  # a server may close an idle connection; once more over a new one
        wire = connected(self._server, patience.connect)
        wire.begin_call(patience, until)
        return self._exchange(wire, request, shared)

    def _exchange(
        self, wire: Wire, request: Request, owner: str | None, *, is_kept: bool = False
    ) -> Response:
        """`owner` is None for a connection that is not to be kept."""
        try:
            sent = write(request, self._server, wire, is_last=owner is None)
            if is_kept and not sent:
                raise _ClosedBefore
            reader = AnswerReader(request.method, may_switch=bool(request.upgrade))
            body = _read_head(reader, wire, _first_data(wire, is_kept=is_kept))
            if reader.head is None:
                raise BadAnswer("no head")
        except BaseException:
            wire.close()  # what is left of an answer is not for the next call
            raise
        keep = None if owner is None else partial(self._idle.keep, owner)
        return Response(wire, reader, reader.head, first=body, keep=keep)


def _first_data(wire: Wire, *, is_kept: bool) -> bytes:
    try:
        data = wire.receive()
    except CLOSED as error:
        if is_kept:
            raise _ClosedBefore from error
        raise
    if is_kept and not data:
        raise _ClosedBefore
    return data


def _read_head(reader: AnswerReader, wire: Wire, data: bytes) -> bytes:
    """Return what of the body came with the head."""
    while data:
        body = reader.feed(data)
        if reader.head is not None:
            return body
        data = wire.receive()
    reader.end()
    return b""

"""Writes requests with http.client."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any

from .server import Server
from .wire import CLOSED, Wire

_SAFE = frozenset({"GET", "HEAD"})
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")  # RFC 9110, 5.5; http.client would let folds pass


@dataclass(frozen=True)
class Request:
    """One request. `headers` without Host, Connection and the framing, which are made here.

    `length` of the body in bytes, None when it is sent in chunks. `host`: the Host header, if it is not
    the server's own name. `upgrade`: the protocol that it asks for in place of HTTP (RFC 9110, 7.8); only
    then may the answer be a 101.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    body: Iterable[bytes] = ()
    length: int | None = 0
    host: str = ""
    upgrade: str = ""

    @property
    def is_safe(self) -> bool:
        """Whether it may use a kept connection, and be sent again when that had been closed."""
        return self.method in _SAFE and self.length == 0


def write(request: Request, server: Server, wire: Wire, *, is_last: bool) -> bool:
    """Send `request`; `is_last`: nothing follows by this connection.

    Returns whether all of it was sent: a server may answer and hang up before it has read it all.
    Raises OSError, ValueError for a header that is none, and what the body raises.
    """
    writer = HTTPConnection(server.host, server.port)
    connection: Any = writer  # its socket is declared as a real one
    connection.sock = wire
    writer.putrequest(request.method, request.target, skip_host=True, skip_accept_encoding=True)
    writer.putheader("Host", request.host or server.authority)
    for name, value in request.headers.items():
        if not _VALUE.fullmatch(value):
            raise ValueError(f"{name} has a control character")
        writer.putheader(name, value)
    for name, value in _framing(request, is_last=is_last):
        writer.putheader(name, value)
    try:
        body = None if request.length == 0 else request.body
        writer.endheaders(body, encode_chunked=request.length is None)
    except CLOSED:
        return False
    return True


def _framing(request: Request, *, is_last: bool) -> Iterable[tuple[str, str]]:
    if request.upgrade:
        yield "Connection", "Upgrade"
        yield "Upgrade", request.upgrade
    elif is_last:
        yield "Connection", "close"
    if request.length is None:
        yield "Transfer-Encoding", "chunked"
    elif not request.is_safe:
        yield "Content-Length", str(request.length)

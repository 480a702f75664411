"""One request, sent on to its upstream, and the answer streamed back.

Each over a connection of its own: nothing of one person's call can be waiting on a connection when
the next person's goes out.
"""

import re
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any

import structlog
from django.http import HttpResponseBase, StreamingHttpResponse

from frontend_site.options import options
from frontend_site.set_cookies import add_set_cookie
from frontend_site.site_request import SiteRequest

from .body import AnswerBody, RequestBody
from .headers import browser_headers, cookie_lines, upstream_headers
from .upstream import Upstream

_SAFE = frozenset({"GET", "HEAD"})
_LENGTH = re.compile("[0-9]{1,18}", re.ASCII)
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")  # RFC 9110, 5.5
_INTERIM = frozenset({HTTPStatus.PROCESSING, HTTPStatus.EARLY_HINTS})
_MOST_INTERIM = 20
_log = structlog.get_logger("frontend_site")


class UpstreamFailed(Exception):
    """No answer, and it is not known whether the upstream did what was asked.

    `status`: 502, or 504 when it was too slow; 503 when too many calls are under way.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class FinalResponse(HTTPResponse):
    """Passes over interim answers (RFC 9110, 15.2), of which http.client knows 100 alone."""

    _seen = 0

    def _read_status(self) -> tuple[str, int, str]:
        version, status, reason = super()._read_status()  # type: ignore[misc]
        if status in _INTERIM:
            status = HTTPStatus.CONTINUE
        if status == HTTPStatus.CONTINUE:
            self._seen += 1
            if self._seen > _MOST_INTERIM:
                raise HTTPException("no final answer")
        return version, status, reason


class Slots:
    """How many calls may be under way in this worker: in all, and of one session a fifth of it."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._all = 0
        self._of: Counter[str] = Counter()

    def take(self, session: str) -> Callable[[], None]:
        """Return what gives the slot back. Raises UpstreamFailed(503)."""
        with self._lock:
            if self._all >= self._limit or self._of[session] >= max(1, self._limit // 5):
                raise UpstreamFailed(503, "too many calls at once")
            self._all += 1
            self._of[session] += 1
        return lambda: self._give_back(session)

    def _give_back(self, session: str) -> None:
        with self._lock:
            self._all -= 1
            self._of[session] -= 1
            if not self._of[session]:
                del self._of[session]


@cache
def _slots(upstream: Upstream) -> Slots:
    return Slots(options().upstream_calls_at_once)


def forward(
    request: SiteRequest,
    upstream: Upstream,
    target: str,
    *,
    identity: str,
    session: str,
    still_valid: Callable[[], bool],
) -> HttpResponseBase:
    """Send `request` to `target` of `upstream`, once, and stream the answer back.

    `identity` is the token that proves who is signed in, `session` their session's handle.
    Raises UpstreamFailed, BodyTooLong, ClientGone.
    """
    body = RequestBody(request, options().upstream_body_limit)
    with ExitStack() as stack:
        stack.callback(_slots(upstream).take(session))
        stack.callback(_limit_silence(request))
        connection = _connect(upstream)
        stack.callback(connection.close)
        answer = _exchange(connection, request, target, upstream, identity, body)
        streamed = AnswerBody(
            answer, still_valid=still_valid, interval=options().upstream_recheck, done=ExitStack()
        )
        response = _response(answer, streamed, upstream, target)
        # The last step: whatever fails before it gives slot and connection back here.
        streamed.done = stack.pop_all()  # from here the response ends them
    return response


def _response(
    answer: HTTPResponse, streamed: AnswerBody, upstream: Upstream, target: str
) -> StreamingHttpResponse:
    response = StreamingHttpResponse(streamed, status=answer.status)
    del response["Content-Type"]
    for name, value in browser_headers(answer.headers, upstream, target).items():
        response[name] = value
    for line in cookie_lines(answer.headers, upstream):
        add_set_cookie(response, line)
    return response


def _limit_silence(request: SiteRequest) -> Callable[[], None]:
    """Let a browser that neither sends nor reads hold a slot for so long only."""
    sock: Any = request.META.get("gunicorn.socket")
    if sock is None:
        return lambda: None
    before = sock.gettimeout()
    sock.settimeout(options().upstream_silence)
    return lambda: sock.settimeout(before)


def _connect(upstream: Upstream) -> HTTPConnection:
    timeout = options().connect_timeout
    if upstream.scheme == "https":
        connection: HTTPConnection = HTTPSConnection(
            upstream.host, upstream.port, timeout=timeout, context=_tls()
        )
    else:
        connection = HTTPConnection(upstream.host, upstream.port, timeout=timeout)
    connection.response_class = FinalResponse
    try:
        connection.connect()
    except TimeoutError as error:
        raise _failed(504, error) from error
    except OSError as error:
        raise _failed(502, error) from error
    sock: socket.socket = connection.sock
    sock.settimeout(options().upstream_silence)
    return connection


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _exchange(
    connection: HTTPConnection,
    request: SiteRequest,
    target: str,
    upstream: Upstream,
    identity: str,
    body: RequestBody,
) -> HTTPResponse:
    headers = upstream_headers(request, upstream, identity)
    if body.chunked:
        headers["Transfer-Encoding"] = "chunked"
    elif body.length or request.method not in _SAFE:
        headers["Content-Length"] = str(body.length)
    try:
        connection.putrequest(
            request.method or "GET", target, skip_host=True, skip_accept_encoding=True
        )
        for name, value in headers.items():
            connection.putheader(name, value.encode("latin-1"))
        _send(connection, body)
        answer = connection.getresponse()
    except TimeoutError as error:
        raise _failed(504, error) from error
    except (HTTPException, OSError, ValueError) as error:
        raise _failed(502, error) from error
    _require_plain_head(answer)
    return answer


def _send(connection: HTTPConnection, body: RequestBody) -> None:
    """Send the head, then the body in pieces."""
    try:
        pieces = iter(body) if body.chunked or body.length else None
        connection.endheaders(pieces, encode_chunked=body.chunked)
    except (BrokenPipeError, ConnectionResetError):
        pass  # it may have answered before it hung up: "too long", say


def _require_plain_head(answer: HTTPResponse) -> None:
    """Refuse what two readers could cut into answers in two ways (RFC 9112, 6.3), 1xx, and no HTTP.

    gunicorn would refuse to send on a value with a control character, after the answer has begun.
    """
    coding = answer.headers.get_all("Transfer-Encoding", [])
    lengths = answer.headers.get_all("Content-Length", [])
    plain = [c.lower() for c in coding] in ([], ["chunked"]) and len(lengths) <= 1
    plain = plain and all(_LENGTH.fullmatch(length) for length in lengths)
    plain = plain and all(_VALUE.fullmatch(value) for value in answer.headers.values())
    if not 200 <= answer.status <= 599 or not plain or (coding and lengths):
        raise _failed(502, ValueError("framing"))


def _failed(status: int, error: Exception) -> UpstreamFailed:
    _log.error("upstream.failed", status=status, reason=type(error).__name__)
    return UpstreamFailed(status, type(error).__name__)

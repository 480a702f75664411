"""Sends one request to its upstream, and streams the response back."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import structlog
from django.http import HttpResponseBase, StreamingHttpResponse

from frontend_site.options import options
from frontend_site.set_cookies import add_set_cookie
from frontend_site.settings.upstreams import Upstream
from frontend_site.site_request import SiteRequest
from frontend_site.transport.answer import BadAnswer, Head
from frontend_site.transport.pool import Pool
from frontend_site.transport.request import Request
from frontend_site.transport.response import Response
from frontend_site.transport.wire import Patience

from .body import AnswerBody, Held, RequestBody
from .headers import browser_headers, cookie_lines, upstream_headers
from .location import place_of
from .target import own_host

_MOST_IDLE = 64  # connections, per worker and upstream
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_log = structlog.get_logger("frontend_site")


class UpstreamFailed(Exception):
    """No answer, and it is not known whether the upstream did what was asked.

    `status`: 502, or 504 when it was too slow; 503 when too many calls are under way.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class RedirectRefused(Exception):
    """The upstream did what was asked, and leads to an address that is not its own."""


@dataclass(frozen=True)
class Handshake:
    """What makes a call the opening handshake of a WebSocket.

    `headers` are added to the call's. `opened` takes the service's 101, and raises BadAnswer if it is none.
    """

    headers: Mapping[str, str]
    opened: Callable[[Response], HttpResponseBase]


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


@cache
def _pool(upstream: Upstream) -> Pool:
    return Pool(upstream.server, idle_limit=_MOST_IDLE)


def forward(
    request: SiteRequest,
    upstream: Upstream,
    target: str,
    *,
    identity: str,
    session: str,
    still_valid: Callable[[], bool],
    handshake: Handshake | None = None,
) -> HttpResponseBase:
    """Send `request` to `target` of `upstream` and stream the answer back.

    `identity` is the token that proves who is signed in, `session` their session's handle.
    Raises UpstreamFailed, RedirectRefused, BodyTooLong, BodyTooSlow, ClientGone.
    """
    limits, started = options(), time.monotonic()
    silence = upstream.options.silence or limits.upstream_silence
    body = RequestBody(request, limit=limits.upstream_body_limit, silence=silence)
    headers = upstream_headers(request, upstream, identity)
    host = own_host() if upstream.options.public_host else ""
    sent = Request(request.method or "GET", target, headers, body, body.length, host)
    if handshake is not None:
        headers = {**headers, **handshake.headers}
        sent = Request("GET", target, headers, host=host, upgrade="websocket")
    held = Held()
    try:
        held.until_closed(_slots(upstream).take(session))
        held.until_closed(_limit_silence(request, silence))
        answer = _send(sent, upstream, session, Patience(limits.connect_timeout, silence))
        held.until_closed(answer.close)
        if handshake is not None and answer.head.status == 101:
            response = _opened(answer, handshake)
            held.close()
            return response
        streamed = AnswerBody(
            answer,
            still_valid=still_valid,
            interval=limits.upstream_recheck,
            since=started,  # the answer itself may be late
            held=held,
        )
        return _response(answer.head, streamed, upstream, target)
    except BaseException:
        held.close()  # whatever fails gives slot and connection back; else the response does
        raise


def _send(sent: Request, upstream: Upstream, session: str, patience: Patience) -> Response:
    """A connection is used again by the same session only: no answer can reach another user."""
    try:
        return _pool(upstream).send(sent, patience, owner=session)
    except TimeoutError as error:
        raise _failed(504, error) from error
    except (BadAnswer, OSError, ValueError) as error:
        raise _failed(502, error) from error


def _opened(answer: Response, handshake: Handshake) -> HttpResponseBase:
    """From here the response has the connection, and the call's slot is free again."""
    try:
        return handshake.opened(answer)
    except BadAnswer as error:
        raise _failed(502, error) from error


def _response(
    head: Head, streamed: AnswerBody, upstream: Upstream, target: str
) -> StreamingHttpResponse:
    headers = browser_headers(head, upstream, target)
    if head.status in _REDIRECTS and head.get("location") and "Location" not in headers:
        raise _refused(head, upstream)
    response = StreamingHttpResponse(streamed, status=head.status, headers=headers)
    if "Content-Type" not in headers:
        del response["Content-Type"]  # Django's own
    for line in cookie_lines(head, upstream):
        add_set_cookie(response, line)
    return response


def _limit_silence(request: SiteRequest, silence: int) -> Callable[[], None]:
    """Let a browser that neither sends nor reads hold a slot for so long only."""
    sock: Any = request.META.get("gunicorn.socket")
    if sock is None:
        return lambda: None
    before = sock.gettimeout()
    sock.settimeout(silence)
    return lambda: sock.settimeout(before)


def _failed(status: int, error: Exception) -> UpstreamFailed:
    _log.error("upstream.failed", status=status, reason=type(error).__name__)
    return UpstreamFailed(status, type(error).__name__)


def _refused(head: Head, upstream: Upstream) -> RedirectRefused:
    hint = (
        "The service redirects to an address that is not its own. Correct the address that it has for itself, "
        "try host=public, or allow it with redirects=any, both in GATEHOUSE_UPSTREAMS."
    )
    to = place_of(head.get("location"))
    _log.error("upstream.redirect_refused", upstream=upstream.name, to=to, hint=hint)
    return RedirectRefused()

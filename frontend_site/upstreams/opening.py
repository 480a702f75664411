"""Opens a WebSocket to an upstream: takes a slot for it, and hands both connections to it."""

from collections.abc import Callable

from django.http import HttpResponseBase, StreamingHttpResponse

from frontend_site.events.hub import Farewell, websockets
from frontend_site.options import options
from frontend_site.set_cookies import add_set_cookie
from frontend_site.settings.upstreams import Upstream
from frontend_site.site_request import SiteRequest
from frontend_site.transport.answer import BadAnswer
from frontend_site.transport.response import Response

from .handshake import accepts, handshake_key, headers_to_browser, headers_to_service
from .headers import cookie_lines
from .proxy import Handshake
from .session_watch import SessionWatch
from .tunnel import Tunnel
from .websocket import WebSocket


class TooManyOfUser(Exception):
    """The user has as many WebSockets in this worker as one may."""


class Opening:
    """One WebSocket until it is open. A context manager, which gives the place back if it does not open.

    Make it before the session is checked: what ends in between is not missed. `is_valid`: see
    SessionWatch. Raises BadHandshake, TooManyStreams.
    """

    def __init__(
        self, request: SiteRequest, upstream: Upstream, is_valid: Callable[[], bool]
    ) -> None:
        self._request, self._upstream, self._is_valid = request, upstream, is_valid
        self._key = handshake_key(request)
        self.handshake = Handshake(headers_to_service(request), self._opened)
        websockets().wait_for_link(options().connect_timeout)
        token = request.session_token
        self._waiter = websockets().join(token.ref if token else "")
        self._is_open = False

    def __enter__(self) -> "Opening":
        return self

    def __exit__(self, *_: object) -> None:
        if not self._is_open:
            websockets().leave(self._waiter)

    def admit(self, handle: str) -> None:
        """Count it for its user: the session has been checked and found to be `handle`. Raises TooManyOfUser."""
        if websockets().is_full_for(self._waiter):
            raise TooManyOfUser
        websockets().admit(self._waiter, handle)

    def _opened(self, answer: Response) -> HttpResponseBase:
        """Return the 101 for the browser. Raises BadAnswer if the service's is none to our handshake."""
        if not accepts(answer.head, self._key):
            raise BadAnswer("no WebSocket")
        response = StreamingHttpResponse(
            self._websocket(answer), status=101, headers=headers_to_browser(answer.head)
        )
        del response["Content-Type"]
        for line in cookie_lines(answer.head, self._upstream):
            add_set_cookie(response, line)
        self._is_open = True
        return response

    def _websocket(self, answer: Response) -> WebSocket:
        browser = self._request.META["gunicorn.socket"]
        inbox = self._waiter.inbox
        tunnel = Tunnel(
            browser,
            *answer.take_over(),
            patience=self._upstream.options.silence or options().upstream_silence,
            tell=lambda: inbox.put(Farewell.GONE),
        )
        return WebSocket(
            tunnel,
            hub=websockets(),
            waiter=self._waiter,
            watch=SessionWatch(self._is_valid, options().upstream_recheck),
            idle=options().websocket_idle,
            logged={"upstream": self._upstream.name, "request_id": self._request.request_id},
        )

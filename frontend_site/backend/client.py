"""The client for auth_api: a fixed table of routes, over one connection pool per worker."""

from collections.abc import Callable, Collection
from dataclasses import replace
from functools import cache, partial
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING
from urllib.parse import urlsplit

import structlog

from frontend_site.metrics import UNKNOWN, count_call
from frontend_site.options import options
from frontend_site.transport.answer import BadAnswer, Framing
from frontend_site.transport.pool import Pool
from frontend_site.transport.request import Request
from frontend_site.transport.response import Response
from frontend_site.transport.server import Server
from frontend_site.transport.wire import Patience
from gatehouse.cookies import KNOWN_BROWSER_COOKIE, SESSION_COOKIE, SIGN_IN_COOKIE
from gatehouse.default_ports import DEFAULT_PORTS
from gatehouse.known_browser import known_account_tag
from gatehouse.service_token import ServiceTokens

from .answer import (
    Answer,
    AuthApiUnavailable,
    HostRefused,
    NotAsAgreed,
    ServiceTokenRefused,
    checked,
)
from .call_slots import CallSlots, HashingSlots
from .caller import Caller
from .reachability import Reachability
from .routes import (
    HASHING,
    KNOWN_FIRST,
    LONG,
    NEEDS_SESSION,
    ROUTES,
    WITH_SITE_DATA,
    is_handle,
    method_and_path,
)

__all__ = (
    "NEEDS_SESSION", "ROUTES", "Answer", "AuthApiClient", "AuthApiUnavailable", "HostRefused",
    "ServiceTokenRefused", "auth_api", "is_handle",
)  # fmt: skip

if TYPE_CHECKING:
    from frontend_site.settings.base import Gatehouse

_PROBE = "jwks"  # asks neither Redis nor the database
_GAVE_UP = "auth_api does not answer other calls either"
_PROBE_PATIENCE = Patience(0.8, 0.8, 0.8)
_log = structlog.get_logger("frontend_site")


class AuthApiClient:
    """Calls auth_api. Safe to share by all greenlets of a worker; make one per worker."""

    def __init__(self, options: "Gatehouse") -> None:
        self._options = options
        self._tokens = ServiceTokens(options.service_keys[0])
        wait = options.connect_timeout
        self._slots = CallSlots(options.calls_at_once, wait)
        self._hashing_slots = HashingSlots(
            options.hashing_calls_at_once,
            waiting=options.hashing_calls_waiting,
            wait=options.hashing_wait,
        )
        self._download_slots = CallSlots(options.downloads_at_once, wait)
        server, self._prefix = auth_api_server(options)
        self._pool = Pool(server, idle_limit=options.calls_at_once)
        self._reachability = Reachability(self._answers_a_probe)
        self._patience = {slow: self._patience_for(slow) for slow in (False, True)}
        self._download_patience = replace(self._patience[True], deadline=options.download_deadline)

    def call(
        self,
        route: str,
        caller: Caller,
        *,
        body: bytes = b"",
        content_type: str = "",
        handle: str = "",
        audience: str = "",
        claims: Collection[str] = (),
    ) -> Answer:
        """Send one call and return what auth_api said, 4xx and 5xx included.

        A GET whose kept-alive connection had been closed is sent once more; nothing else is.
        Raises AuthApiUnavailable, and ValueError for a handle that is none.
        """
        method, path = method_and_path(route, handle=handle, audience=audience, claims=claims)
        # Only what we have signed goes on, and only to where it counts.
        shown = caller.known_browser if route in KNOWN_FIRST else ""
        tag = known_account_tag(shown, self._options.service_keys) if shown else ""
        known_browser = shown if tag and route == "login" else ""
        headers = self._headers(caller, content_type, known_browser)
        if route in WITH_SITE_DATA:
            headers["Gatehouse-Site-Data"] = "1"
        request = Request(method, self._prefix + path, headers, (body,), len(body))
        outcome: str | int = UNKNOWN
        try:
            self._reachability.admit(slow=route in HASHING or route in LONG)
            answer = self._ask(route, request, tag)
            outcome = answer.status
            return answer
        except (OSError, BadAnswer) as error:
            _log.error("auth_api.unavailable", route=route, reason=type(error).__name__)
            raise AuthApiUnavailable(type(error).__name__) from error
        except AuthApiUnavailable as error:
            _log.error("auth_api.unavailable", route=route, reason=str(error))
            raise
        finally:
            count_call(route, outcome)

    def _headers(
        self, caller: Caller, content_type: str = "", known_browser: str = ""
    ) -> dict[str, str]:
        headers = {
            "Authorization": f"Bearer {self._tokens.current()}",
            "Accept-Encoding": "identity",
            # How long we wait for an answer: afterwards auth_api has nothing done for us.
            "Gatehouse-Deadline": str(int(self._options.read_timeout * 1000)),
            "Gatehouse-Client-Address": caller.address,
            "Gatehouse-Client-User-Agent": caller.user_agent,
            "X-Request-Id": caller.request_id,
        }
        cookies = {
            SESSION_COOKIE: caller.session_token.value if caller.session_token else "",
            KNOWN_BROWSER_COOKIE: known_browser,
            SIGN_IN_COOKIE: caller.sign_in.value if caller.sign_in else "",
        }
        if sent := [f"{name}={value}" for name, value in cookies.items() if value]:
            headers["Cookie"] = "; ".join(sent)
        if caller.browser:
            headers["Gatehouse-Client-Browser"] = caller.browser
        if content_type:
            headers["Content-Type"] = content_type
        return headers

    def _ask(self, route: str, request: Request, tag: str) -> Answer:
        if route in LONG:
            with self._download_slots:
                return self._watched(self._download, request, self._download_patience, slow=True)
        if route in HASHING:
            with self._hashing_slots.slot(tag), self._slots:
                return self._watched(self._short, request, self._patience[True], slow=True)
        with self._slots:
            return self._watched(self._short, request, self._patience[False], slow=False)

    def _watched(
        self,
        ask: Callable[[Request, Patience], Answer],
        request: Request,
        patience: Patience,
        *,
        slow: bool,
    ) -> Answer:
        """Ask, unless it has become hopeless in the meantime, and report how it went."""
        if self._reachability.is_refusing(slow=slow):
            raise AuthApiUnavailable(_GAVE_UP)
        try:
            answer = ask(request, patience)
        except (OSError, BadAnswer, NotAsAgreed) as error:
            if self._reachability.is_refusing(slow=slow):  # others have seen it before us
                raise AuthApiUnavailable(_GAVE_UP) from error
            self._reachability.failed(error, slow=slow)
            raise
        except AuthApiUnavailable:
            self._reachability.answered(slow=slow)
            raise
        self._reachability.answered(slow=slow)
        return answer

    def _short(self, request: Request, patience: Patience) -> Answer:
        """Return an answer that says how long it is, as all of auth_api's but downloads do."""
        with self._pool.send(request, patience) as response:
            return self._complete(response)

    def _complete(self, response: Response) -> Answer:
        if not response.head.is_exact:
            raise NotAsAgreed("no usable Content-Length")
        body = response.read(self._options.answer_limit)
        return checked(response.head.status, response.head.lines, body)

    def _download(self, request: Request, patience: Patience) -> Answer:
        """Return a complete long answer. Raises AuthApiUnavailable for a truncated one."""
        with self._pool.send(request, patience) as response:
            head = response.head
            if head.status != 200:
                return checked(head.status, head.lines, response.read(self._options.answer_limit))
            answer = checked(200, head.lines, b"{}")
            if head.framing is Framing.UNTIL_CLOSE:
                raise NotAsAgreed("no Content-Length, so a truncated answer could not be detected")
            return replace(answer, body=b"", file=self._file(response))

    def _patience_for(self, slow: bool) -> Patience:
        limits = self._options
        is_hopeless = partial(self._reachability.is_refusing, slow=slow)
        return Patience(
            limits.connect_timeout, limits.read_timeout, limits.call_deadline, is_hopeless
        )

    def _answers_a_probe(self) -> bool:
        method, path = method_and_path(_PROBE, handle="", audience="")
        request = Request(method, self._prefix + path, self._headers(Caller()))
        try:
            with self._pool.send(request, _PROBE_PATIENCE) as response:
                self._complete(response)
        except (OSError, BadAnswer, NotAsAgreed):
            return False
        except (ServiceTokenRefused, HostRefused):  # it is there
            return True
        return True

    def _file(self, response: Response) -> IO[bytes]:
        """Store the body in memory up to the limit of an ordinary answer, then on disk (unnamed, 0600)."""
        file: IO[bytes] = SpooledTemporaryFile(self._options.answer_limit)  # noqa: SIM115 - kept open
        try:
            while piece := response.next_piece():
                file.write(piece)
                if file.tell() > self._options.download_limit:
                    raise AuthApiUnavailable("answer too long")
            file.seek(0)
        except BaseException:
            file.close()
            raise
        return file


def auth_api_server(options: "Gatehouse") -> tuple[Server, str]:
    """Return where auth_api is, and what its paths begin with."""
    url = urlsplit(options.auth_api_url)
    port = url.port or DEFAULT_PORTS[url.scheme]
    return Server(url.scheme, url.hostname or "", port), url.path


@cache
def auth_api() -> AuthApiClient:
    """Return this worker's client."""
    return AuthApiClient(options())

"""The client for auth_api: a fixed table of routes, over one connection pool per worker."""

from collections.abc import Collection
from contextlib import closing
from dataclasses import replace
from functools import cache
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING
from urllib.parse import urlsplit

import structlog

from frontend_site.options import options
from frontend_site.transport.answer import BadAnswer, Framing
from frontend_site.transport.pool import Pool
from frontend_site.transport.request import Request
from frontend_site.transport.response import Response
from frontend_site.transport.server import Server
from frontend_site.transport.wire import Patience
from gatehouse.cookies import SESSION_COOKIE
from gatehouse.default_ports import DEFAULT_PORTS
from gatehouse.service_token import ServiceTokens

from .answer import Answer, AuthApiUnavailable, checked
from .call_slots import CallSlots
from .caller import Caller
from .routes import HASHING, LONG, NEEDS_SESSION, ROUTES, is_handle, method_and_path

__all__ = (
    "NEEDS_SESSION", "ROUTES", "Answer", "AuthApiClient", "AuthApiUnavailable", "auth_api", "is_handle",
)  # fmt: skip

if TYPE_CHECKING:
    from frontend_site.settings.base import Gatehouse

_log = structlog.get_logger("frontend_site")


class AuthApiClient:
    """Calls auth_api. Safe to share by all greenlets of a worker; make one per worker."""

    def __init__(self, options: "Gatehouse") -> None:
        self._options = options
        self._tokens = ServiceTokens(options.service_keys[0])
        wait = options.connect_timeout
        self._slots = CallSlots(options.calls_at_once, wait)
        self._hashing_slots = CallSlots(options.hashing_calls_at_once, wait)
        self._download_slots = CallSlots(options.downloads_at_once, wait)
        server, self._prefix = auth_api_server(options)
        self._pool = Pool(server, idle_limit=options.calls_at_once)

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
        headers = self._headers(caller, content_type)
        request = Request(method, self._prefix + path, headers, (body,), len(body))
        try:
            return self._ask(route, request)
        except (OSError, BadAnswer) as error:
            _log.error("auth_api.unavailable", route=route, reason=type(error).__name__)
            raise AuthApiUnavailable(type(error).__name__) from error
        except AuthApiUnavailable as error:
            _log.error("auth_api.unavailable", route=route, reason=str(error))
            raise

    def _headers(self, caller: Caller, content_type: str) -> dict[str, str]:
        headers = {
            "Authorization": f"Bearer {self._tokens.current()}",
            "Accept-Encoding": "identity",
            "Gatehouse-Client-Address": caller.address,
            "Gatehouse-Client-User-Agent": caller.user_agent,
            "X-Request-Id": caller.request_id,
        }
        if caller.session_token:
            headers["Cookie"] = f"{SESSION_COOKIE}={caller.session_token.value}"
        if content_type:
            headers["Content-Type"] = content_type
        return headers

    def _ask(self, route: str, request: Request) -> Answer:
        if route in LONG:
            with self._download_slots:
                return self._download(request)
        if route in HASHING:
            with self._hashing_slots, self._slots:
                return self._short(request)
        with self._slots:
            return self._short(request)

    def _short(self, request: Request) -> Answer:
        """Return an answer that says how long it is, as all of auth_api's but downloads do."""
        with closing(self._sent(request, self._options.call_deadline)) as response:
            if not response.head.is_exact:
                raise AuthApiUnavailable("no plain length")
            body = response.read(self._options.answer_limit)
        return checked(response.head.status, response.head.lines, body)

    def _download(self, request: Request) -> Answer:
        """Return a complete long answer. Raises AuthApiUnavailable for a truncated one."""
        with closing(self._sent(request, self._options.download_deadline)) as response:
            head = response.head
            if head.status != 200:
                return checked(head.status, head.lines, response.read(self._options.answer_limit))
            answer = checked(200, head.lines, b"{}")
            if head.framing is Framing.UNTIL_CLOSE:
                raise AuthApiUnavailable("no length: a truncated answer could not be detected")
            return replace(answer, body=b"", file=self._file(response))

    def _sent(self, request: Request, deadline: float) -> Response:
        limits = self._options
        return self._pool.send(
            request, Patience(limits.connect_timeout, limits.read_timeout, deadline)
        )

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

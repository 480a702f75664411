"""The only way to auth_api: a fixed table of routes over one pool of connections per worker.

Three answers are three things: a valid or invalid one is an `Answer` (with its status), "unknown"
is AuthApiUnavailable. Nobody may read an outage as "signed out".
"""

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from tempfile import SpooledTemporaryFile
from typing import IO, Any
from urllib.parse import urlsplit

import requests
import structlog
import urllib3

from frontend_site.backend.caller import Caller
from frontend_site.backend.deadline import deadline_adapter
from frontend_site.backend.hot_path import HotPath, NotUnderstood
from frontend_site.options import options
from frontend_site.settings.base import Gatehouse
from gatehouse.cookies import SESSION_COOKIE
from gatehouse.service_token import ServiceTokens

_log = structlog.get_logger("frontend_site")

_HANDLE = re.compile(r"[A-Za-z0-9_-]{16}", re.ASCII)
_JSON = re.compile(r"application/(problem\+)?json(\s*;.*)?", re.IGNORECASE)
_PROBLEM = "urn:gatehouse:problem:"
_SUCCESSES = frozenset({200, 202, 204})

# Name -> method and path. `{handle}` is the only thing from outside that ever enters a path;
# `{audience}` is a name from our own settings.
ROUTES: Mapping[str, tuple[str, str]] = {
    "login": ("POST", "/v1/login"),
    "logout": ("POST", "/v1/logout"),
    "session": ("GET", "/v1/session"),
    "session-peek": ("GET", "/v1/session?slide=false"),
    "sessions": ("GET", "/v1/sessions"),
    "end-session": ("DELETE", "/v1/sessions/{handle}"),
    "disown": ("POST", "/v1/sessions/disown"),
    "revoke-others": ("POST", "/v1/sessions/revoke-others"),
    "security-events": ("GET", "/v1/security-events"),
    "revoke-all": ("POST", "/v1/sessions/revoke-all"),
    "reauthenticate": ("POST", "/v1/reauthenticate"),
    "register": ("POST", "/v1/register"),
    "verify-email": ("POST", "/v1/email/verify"),
    "resend-verification": ("POST", "/v1/email/resend"),
    "change-address": ("POST", "/v1/email/change"),
    "confirm-address": ("POST", "/v1/email/confirm"),
    "restore-address": ("POST", "/v1/email/restore"),
    "forgot-password": ("POST", "/v1/password/forgot"),
    "reset-password": ("POST", "/v1/password/reset"),
    "change-password": ("POST", "/v1/password/change"),
    "delete-account": ("DELETE", "/v1/account"),
    "export-account": ("GET", "/v1/account/export"),
    "identity": ("GET", "/v1/identity?audience={audience}"),
    "jwks": ("GET", "/v1/.well-known/jwks.json"),
    "ready": ("GET", "/readyz"),
}

# Success of one of these calls proves that the session is valid.
NEEDS_SESSION = frozenset(
    {
        "session", "session-peek", "sessions", "end-session", "revoke-others", "revoke-all",
        "security-events", "reauthenticate", "change-address", "change-password", "delete-account",
        "export-account", "identity",
    }
)  # fmt: skip
# Of any length; auth_api sends these without a Content-Length.
_LONG = frozenset({"export-account"})

# Each of these makes auth_api hash a password; it does few at once.
_HASHING = frozenset(
    {
        "login",
        "reauthenticate",
        "register",
        "verify-email",
        "confirm-address",
        "reset-password",
        "change-password",
    }
)


def is_handle(text: str) -> bool:
    """Whether `text` has a handle's grammar: nothing else may enter a path."""
    return bool(_HANDLE.fullmatch(text))


class AuthApiUnavailable(Exception):
    """Unknown: auth_api did not answer, or not as agreed. No cookie may be touched."""

    def __init__(self, reason: str, *, retry_after: int = 2) -> None:
        super().__init__(reason)
        self.retry_after = retry_after  # seconds


@dataclass(frozen=True)
class Answer:
    """An answer of auth_api. `body` is a JSON object, or empty with 204; header names in lower case.

    A long success is complete in `file`, at position 0, in place of `body`; its consumer closes it.
    """

    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    set_cookie: tuple[str, ...] = field(default=(), repr=False)  # lines, as they came
    file: IO[bytes] | None = field(default=None, repr=False)

    @cached_property
    def document(self) -> dict[str, Any]:
        return json.loads(self.body) if self.body else {}

    @property
    def slug(self) -> str:
        """The kind of problem; "" for a success."""
        return (
            str(self.document.get("type", "")).removeprefix(_PROBLEM) if self.status >= 400 else ""
        )

    @property
    def tells_who(self) -> bool:
        """Whether the document has the `user` and `session` of a signed-in user."""
        return self.status == 200 and {"user", "session"} <= self.document.keys()

    @property
    def retry_after(self) -> int:
        """Seconds that auth_api asks for; 2 when it names none."""
        text = self.headers.get("retry-after", "")
        return int(text) if re.fullmatch("[0-9]{1,6}", text) else 2


class AuthApiClient:
    """Calls auth_api. Safe to share by all greenlets of a worker; make one per worker."""

    def __init__(self, options: Gatehouse) -> None:
        self._options = options
        self._tokens = ServiceTokens(options.service_keys[0])
        self._slots = threading.BoundedSemaphore(options.calls_at_once)
        self._hashing_slots = threading.BoundedSemaphore(options.hashing_calls_at_once)
        # No Session around it: its cookie jar would be shared by all users, it reads proxies and
        # passwords from the environment, and it parses the targets of redirects.
        self._requests = deadline_adapter(
            deadline=options.call_deadline,
            patience=options.read_timeout,
            pool_size=options.calls_at_once,
        )
        self._hot = _hot_path(options)
        self._download_slots = threading.BoundedSemaphore(options.downloads_at_once)
        self._downloads = deadline_adapter(
            deadline=options.download_deadline,
            patience=options.read_timeout,
            pool_size=options.downloads_at_once,
        )

    def call(
        self,
        route: str,
        caller: Caller,
        *,
        body: bytes = b"",
        content_type: str = "",
        handle: str = "",
        audience: str = "",
    ) -> Answer:
        """Send one call and return what auth_api said, 4xx and 5xx included.

        A GET whose kept-alive connection had been closed is sent once more; nothing else is.
        Raises AuthApiUnavailable, and ValueError for a handle that is none.
        """
        method, template = ROUTES[route]
        if "{handle}" in template and not is_handle(handle):
            raise ValueError("not a handle")
        path = template.format(handle=handle, audience=audience)
        headers = self._headers(caller, content_type)
        try:
            if self._hot and method == "GET" and route not in _LONG:
                return self._get(self._hot, path, headers)
            request = requests.Request(
                method, self._options.auth_api_url + path, headers=headers, data=body or None
            ).prepare()
            if route in _LONG:
                return self._download(request)
            with self._slot(self._hashing_slots) if route in _HASHING else nullcontext():
                return self._send(request)
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

    def _get(self, hot: HotPath, path: str, headers: dict[str, str]) -> Answer:
        host = self._options.auth_api_url.partition("://")[2]
        lines = [f"GET {path} HTTP/1.1", f"Host: {host}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._take(self._slots)
        try:
            answer = hot.get(_head(lines))
        except (OSError, NotUnderstood) as error:
            raise AuthApiUnavailable(type(error).__name__) from error
        finally:
            self._slots.release()
        return _checked(answer.status, answer.headers, answer.body)

    def _send(self, request: requests.PreparedRequest) -> Answer:
        try:
            with self._slot(self._slots):
                try:
                    return self._exchange(request)
                except requests.ConnectionError as error:
                    if request.method != "GET" or not _was_closed(error):
                        raise
                    return self._exchange(request)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise AuthApiUnavailable(type(error).__name__) from error

    def _download(self, request: requests.PreparedRequest) -> Answer:
        """Return a complete long answer. Raises AuthApiUnavailable for a truncated one."""
        patience = (self._options.connect_timeout, self._options.read_timeout)
        try:
            with self._slot(self._download_slots):
                response = self._downloads.send(request, stream=True, timeout=patience)
                try:
                    lines = [(name.lower(), value) for name, value in response.raw.headers.items()]
                    if response.status_code != 200:
                        return _checked(response.status_code, lines, self._body(response))
                    answer = _checked(200, lines, b"{}")
                    if not {"content-length", "transfer-encoding"} & answer.headers.keys():
                        raise AuthApiUnavailable(
                            "no length: a truncated answer could not be detected"
                        )
                    return replace(answer, body=b"", file=self._file(response))
                finally:
                    response.raw.close()
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise AuthApiUnavailable(type(error).__name__) from error

    def _file(self, response: requests.Response) -> IO[bytes]:
        """Store the body in memory up to the limit of an ordinary answer, then on disk (unnamed, 0600)."""
        file: IO[bytes] = SpooledTemporaryFile(self._options.answer_limit)  # noqa: SIM115 - kept open
        try:
            for chunk in response.raw.stream(65536, decode_content=False):
                file.write(chunk)
                if file.tell() > self._options.download_limit:
                    raise AuthApiUnavailable("answer too long")
            file.seek(0)
        except BaseException:
            file.close()
            raise
        return file

    def _take(self, slots: threading.BoundedSemaphore) -> None:
        # Nearly always there is one: a timeout that is not needed costs more than the slot.
        if not (
            slots.acquire(blocking=False) or slots.acquire(timeout=self._options.connect_timeout)
        ):
            raise AuthApiUnavailable("too many calls at once")

    @contextmanager
    def _slot(self, slots: threading.BoundedSemaphore) -> Iterator[None]:
        self._take(slots)
        try:
            yield
        finally:
            slots.release()

    def _exchange(self, request: requests.PreparedRequest) -> Answer:
        patience = (self._options.connect_timeout, self._options.read_timeout)
        response = self._requests.send(request, stream=True, timeout=patience)
        complete = False
        try:
            lines = [(name.lower(), value) for name, value in response.raw.headers.items()]
            answer = _checked(response.status_code, lines, self._body(response))
            complete = True
            return answer
        finally:
            # Half-read connections are not for the next user.
            if complete:
                response.raw.release_conn()
            else:
                response.raw.close()

    def _body(self, response: requests.Response) -> bytes:
        chunks, size = [], 0
        for chunk in response.raw.stream(65536, decode_content=False):
            size += len(chunk)
            if size > self._options.answer_limit:
                raise AuthApiUnavailable("answer too long")
            chunks.append(chunk)
        return b"".join(chunks)


def _was_closed(error: requests.ConnectionError) -> bool:
    """Whether the server closed the connection before it answered."""
    cause = error.args[0] if error.args else None
    inner = (
        cause.args[1]
        if isinstance(cause, urllib3.exceptions.ProtocolError) and len(cause.args) > 1
        else None
    )
    return isinstance(inner, ConnectionError)


def _hot_path(options: Gatehouse) -> HotPath | None:
    """The lean way for GETs; None when auth_api is behind TLS (then requests makes all calls)."""
    parts = urlsplit(options.auth_api_url)
    if parts.scheme != "http" or not parts.hostname or parts.path:
        return None
    return HotPath(
        parts.hostname,
        parts.port or 80,
        connect_timeout=options.connect_timeout,
        silence=options.read_timeout,
        deadline=options.call_deadline,
        limit=options.answer_limit,
    )


def _head(lines: list[str]) -> bytes:
    head = "\r\n".join(lines) + "\r\n\r\n"
    if "\n" in head.replace("\r\n", "") or "\r" in head.replace("\r\n", ""):
        raise ValueError("a line break in a header")
    return head.encode("latin-1")


def _checked(status: int, lines: list[tuple[str, str]], body: bytes) -> Answer:
    """Return the answer when it is one that we agreed on. Raises AuthApiUnavailable."""
    if status not in _SUCCESSES and not 400 <= status < 600:
        raise AuthApiUnavailable(f"unexpected status {status}")
    headers = dict(lines)
    cookies = tuple(value for name, value in lines if name == "set-cookie")
    answer = Answer(status, body, headers, cookies)
    if status == 204:
        return Answer(status, b"", answer.headers, answer.set_cookie)
    if not _JSON.fullmatch(headers.get("content-type", "")) or "content-encoding" in headers:
        raise AuthApiUnavailable(f"status {status} without JSON")
    try:
        is_object = isinstance(answer.document, dict)
    except (ValueError, RecursionError):
        is_object = False
    if not is_object:
        raise AuthApiUnavailable(f"status {status} with garbled JSON")
    if answer.slug == "service-token-required":  # our keys differ: says nothing about the user
        raise AuthApiUnavailable("service token refused")
    return answer


@cache
def auth_api() -> AuthApiClient:
    """Return this worker's client."""
    return AuthApiClient(options())

"""Responses of auth_api, and which of them are valid.

A response that says valid or invalid is an `Answer` with its status; "unknown" is the exception
AuthApiUnavailable. Code must not treat an outage as "signed out".
"""

import json
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Any

from django.utils.functional import cached_property  # functools' takes a lock
from django.utils.http import parse_http_date_safe

from gatehouse import problems
from gatehouse.service_token import CLOCK_SKEW
from gatehouse.site_data import FIELD

_JSON = re.compile(r"application/(problem\+)?json(\s*;.*)?", re.IGNORECASE)
_SUCCESSES = frozenset({200, 202, 204})
_RETRY_AFTER = 2  # seconds
_LONGEST_ANSWER = 10  # seconds between auth_api's Date and our clock, at most


def spread(seconds: int) -> int:
    """Return a wait between `seconds` and twice that: clients must not all come back together."""
    return seconds + secrets.randbelow(seconds + 1)


class AuthApiUnavailable(Exception):
    """Unknown: auth_api did not answer, or not as agreed. No cookie may be touched.

    `retry_after`: seconds; by default they differ from one to the next.
    """

    def __init__(self, reason: str, *, retry_after: int | None = None) -> None:
        super().__init__(reason)
        self.retry_after = spread(_RETRY_AFTER) if retry_after is None else retry_after


class NotAsAgreed(AuthApiUnavailable):
    """What answered is not auth_api, or the answer is damaged."""


@contextmanager
def as_agreed(what: str) -> Iterator[None]:
    """Let the block read `what` from an answer. Raises NotAsAgreed if it lacks a field, or has one of another type."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NotAsAgreed(f"{what} without its fields") from error


class ServiceTokenRefused(AuthApiUnavailable):
    """Our keys differ from auth_api's, or our clocks: it says nothing about the user.

    `date`: the Date header of the answer, by which the reason tells clocks from keys.
    """

    def __init__(self, date: str = "") -> None:
        super().__init__(f"service token refused: {_likely_cause(date)}")


class HostRefused(AuthApiUnavailable):
    """auth_api is configured for another host: unlike an outage, this does not pass."""

    def __init__(self) -> None:
        super().__init__("host refused: add the host of AUTH_API_URL to AUTH_API_HOSTS of auth_api")


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
        """The JSON object of the body; empty without a body."""
        return json.loads(self.body.decode()) if self.body else {}

    @property
    def slug(self) -> str:
        """The kind of problem; "" for a success."""
        return (
            str(self.document.get("type", "")).removeprefix(problems.TYPE)
            if self.status >= 400
            else ""
        )

    @property
    def tells_who(self) -> bool:
        """Whether the document has the `user` and `session` of a signed-in user."""
        return self.status == 200 and {"user", "session"} <= self.document.keys()

    @property
    def has_site_data(self) -> bool:
        """Whether it has what the site keeps in the session, so that no browser may get it."""
        return FIELD in self.document

    @property
    def retry_after(self) -> int:
        """Seconds that auth_api asks for; 2 when it names none."""
        return _seconds(self.headers)


def _seconds(headers: Mapping[str, str]) -> int:
    text = headers.get("retry-after", "")
    return int(text) if re.fullmatch("[0-9]{1,6}", text) else _RETRY_AFTER


def _likely_cause(date: str) -> str:
    """Return why auth_api refuses our token, from the time at which it answered (RFC 9110, 6.6.1)."""
    theirs = parse_http_date_safe(date)
    if theirs is None:
        return "the clocks or GATEHOUSE_SERVICE_KEYS of the two services differ"
    ahead = round(time.time() - theirs)
    if abs(ahead) < CLOCK_SKEW - _LONGEST_ANSWER:
        return "GATEHOUSE_SERVICE_KEYS of the two services differ; their clocks agree"
    side = "ahead of" if ahead > 0 else "behind"
    return f"the clock of this host is {abs(ahead)} s {side} that of auth_api; synchronize both"


def checked(status: int, lines: list[tuple[str, str]], body: bytes) -> Answer:
    """Return the answer when it is one that we agreed on. Raises NotAsAgreed, ServiceTokenRefused, HostRefused."""
    if status not in _SUCCESSES and not 400 <= status < 600:
        raise NotAsAgreed(f"unexpected status {status}")
    headers = dict(lines)
    if status == 503:
        headers["retry-after"] = str(spread(_seconds(headers)))
    cookies: tuple[str, ...] = ()
    if "set-cookie" in headers:
        cookies = tuple(value for name, value in lines if name == "set-cookie")
    if status == 204:
        return Answer(status, b"", headers, cookies)
    answer = Answer(status, body, headers, cookies)
    if not _JSON.fullmatch(headers.get("content-type", "")) or "content-encoding" in headers:
        raise NotAsAgreed(f"status {status} without JSON")
    try:
        is_object = isinstance(answer.document, dict)
    except (ValueError, RecursionError):
        is_object = False
    if not is_object:
        raise NotAsAgreed(f"status {status} with garbled JSON")
    match answer.slug if status >= 400 else "":
        case "service-token-required":
            raise ServiceTokenRefused(headers.get("date", ""))
        case "unknown-host":
            raise HostRefused
    return answer

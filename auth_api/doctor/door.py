"""The front door: HTTP as clients speak it, through whatever stands in front of frontend_site."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
from requests import exceptions

from gatehouse.default_ports import DEFAULT_PORTS
from gatehouse.problems import CONTENT_TYPE, TYPE

_TIMEOUTS = 3.0, 8.0  # seconds: to connect, and for one silence; frontend_site waits 5 for auth_api
_WITHOUT_BODY = 3.0, 2.0  # who refuses a body by its length answers at once; others wait for it
_AGENT = "gatehouse-doctor"


class DoorClosed(Exception):
    """No answer came. `mend` says what to do about it."""

    def __init__(self, found: str, mend: str) -> None:
        super().__init__(found)
        self.mend = mend


@dataclass(frozen=True)
class Reply:
    """An answer. Headers with all their lines: a proxy may add a second one."""

    status: int
    body: bytes = field(repr=False)
    lines: Mapping[str, tuple[str, ...]]  # by the name in lower case
    document: Mapping[str, Any]  # of JSON; empty if it is none

    def all(self, name: str) -> tuple[str, ...]:
        """Return every line of a header."""
        return self.lines.get(name.lower(), ())

    def one(self, name: str) -> str:
        """Return a header; "" without one."""
        return ", ".join(self.all(name))

    @property
    def problem(self) -> str:
        """The slug of a problem document of Gatehouse; "" if the answer is none."""
        kind = str(self.document.get("type", ""))
        is_problem = self.one("Content-Type").startswith(CONTENT_TYPE) and kind.startswith(TYPE)
        return kind.removeprefix(TYPE) if is_problem else ""


class Announced:
    """A body with a length for Content-Length, of which nothing is sent."""

    def __init__(self, size: int) -> None:
        self._size = size

    def __len__(self) -> int:
        return self._size

    def read(self, _: int = -1) -> bytes:
        """Return the end of the body."""
        return b""


@dataclass(frozen=True)
class Door:
    """The origin that browsers use, such as https://app.example.org. `ca`: a file of certificates to trust."""

    origin: str
    ca: str = ""

    @property
    def is_secure(self) -> bool:
        """Whether browsers speak https with it."""
        return self.origin.startswith("https://")

    @property
    def host(self) -> str:
        """The Host header that a browser sends."""
        return urlsplit(self.origin).netloc

    @property
    def name(self) -> str:
        """Its host name or address, without a port."""
        return urlsplit(self.origin).hostname or ""

    @property
    def port(self) -> int:
        """Its port, also one that the origin leaves out."""
        parts = urlsplit(self.origin)
        return parts.port or DEFAULT_PORTS[parts.scheme]

    def send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: "bytes | Announced" = b"",
        timeouts: tuple[float, float] = _TIMEOUTS,
    ) -> Reply:
        """Send one request, follow no redirect, and keep no cookie. Raises DoorClosed."""
        try:
            with requests.Session() as session:
                session.trust_env = False  # no .netrc, and no outgoing proxy
                answer = session.request(
                    method, self.origin + path, headers={"User-Agent": _AGENT, **(headers or {})},
                    data=body or None, timeout=timeouts, allow_redirects=False, verify=self.ca or True,
                )  # fmt: skip
        except exceptions.RequestException as error:
            raise _closed(self, error) from None
        return _reply(answer)

    def announce(self, path: str, size: int) -> Reply | None:
        """Send the head of a POST with a body of `size` bytes; return what comes before the body, None if nothing does."""
        try:
            return self.send("POST", path, body=Announced(size), timeouts=_WITHOUT_BODY)
        except DoorClosed:
            return None

    def get(self, path: str, **headers: str) -> Reply:
        """Send a GET; underscores in names are hyphens. Raises DoorClosed."""
        return self.send(
            "GET", path, {name.replace("_", "-"): value for name, value in headers.items()}
        )


def _reply(answer: requests.Response) -> Reply:
    raw: Any = answer.raw.headers  # urllib3's: it keeps lines apart
    lines = {name.lower(): tuple(raw.getlist(name)) for name in raw}
    try:
        document = answer.json()
    except ValueError:
        document = None
    return Reply(
        answer.status_code, answer.content, lines, document if isinstance(document, dict) else {}
    )


def _closed(door: Door, error: exceptions.RequestException) -> DoorClosed:
    match error:
        case exceptions.SSLError():
            return DoorClosed(
                f"the certificate of {door.origin} is not accepted ({_cause(error)})",
                "Install the certificate of this host with its whole chain; for a CA of your own, add --ca FILE.",
            )
        case exceptions.ConnectTimeout() | exceptions.ConnectionError():
            return DoorClosed(
                f"cannot connect to {door.origin} ({_cause(error)})",
                "Start the proxy, and check its DNS name and the firewall; or give another address with --url.",
            )
        case exceptions.ReadTimeout():
            return DoorClosed(
                f"{door.origin} does not answer in time",
                "Look at the logs of the proxy and of frontend_site.",
            )
    return DoorClosed(
        f"the answer from {door.origin} cannot be read ({_cause(error)})",
        "Look at the proxy's log.",
    )


def _cause(error: BaseException) -> str:
    """The error underneath, in its own words: requests and urllib3 wrap it in theirs."""
    inner: Any = error
    while True:
        args = [getattr(inner, "reason", None), *getattr(inner, "args", ())]
        wrapped = next((each for each in args if isinstance(each, Exception)), None)
        deeper = wrapped or inner.__cause__
        if deeper is None:
            break
        inner = deeper
    text = getattr(inner, "strerror", None) or getattr(inner, "verify_message", None) or str(inner)
    return str(text).strip()[:150] or type(inner).__name__

"""The public site as a browser calls it, each call on a connection of its own."""

import http.client
import json
from dataclasses import dataclass, field
from typing import Any

TIMEOUT = 30  # seconds; longer than anything may keep a browser waiting
SESSION, CSRF = "__Host-session", "__Host-csrf"


@dataclass(frozen=True)
class Answer:
    """One answer. `status` is 0 for a connection that was refused, reset or silent."""

    status: int
    cookies: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> Any:
        return json.loads(self.body)


class Site:
    """Calls the site on `port` from the network address `address` (that of a browser)."""

    def __init__(self, port: int, address: str) -> None:
        self._port = port
        self._headers = {
            "Host": "localhost",
            "X-Forwarded-For": address,
            "X-Forwarded-Proto": "https",
            "Sec-Fetch-Site": "same-origin",
        }

    def call(
        self, method: str, path: str, *, session: str = "", csrf: str = "", body: Any = None
    ) -> Answer:
        """Send a call with the cookies `session` and `csrf` (none if empty) and a JSON body."""
        cookies = {SESSION: session, CSRF: csrf}
        cookie = "; ".join(f"{name}={value}" for name, value in cookies.items() if value)
        headers = {**self._headers, "Cookie": cookie} if cookie else dict(self._headers)
        if method == "POST":
            headers |= {"X-CSRF-Token": csrf, "Content-Type": "application/json"}
        # A new connection each time, so that every worker gets some.
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT)
        try:
            sent = json.dumps({} if body is None else body) if method == "POST" else None
            connection.request(method, path, sent, headers)
            answer = connection.getresponse()
            return Answer(answer.status, _cookies(answer), answer.read())
        except (OSError, http.client.HTTPException):
            return Answer(0)
        finally:
            connection.close()


def _cookies(answer: http.client.HTTPResponse) -> dict[str, str]:
    """Return what the answer sets, by name; "" is an expired cookie."""
    lines = answer.headers.get_all("Set-Cookie") or ()
    pairs = (line.partition(";")[0].partition("=") for line in lines)
    return {name: value for name, _, value in pairs}

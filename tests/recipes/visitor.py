"""A client that asks as a page of the site does, with any method and over WebSockets."""

import requests
import websocket

from tests.answers import keep
from tests.e2e.proxies import NAVIGATION
from tests.processes import JsonClient


class Visitor(JsonClient):
    """Sends what a browser sends from a page of the site, and keeps the cookies that come."""

    def ask(
        self, method: str, path: str, body: str | bytes = b"", **headers: str
    ) -> requests.Response:
        """Send a request of a script on this site; header names with `_` are sent with `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask_with(method, path, body, named)

    def ask_with(
        self, method: str, path: str, body: str | bytes, headers: dict[str, str]
    ) -> requests.Response:
        """Send a request of a script on this site with exactly these header names."""
        answer = requests.request(
            method,
            self.address + path,
            data=body,
            headers={**self._from_here, **headers},
            timeout=120,
            allow_redirects=False,
        )
        keep(method, path, answer.status_code, answer.content)
        for line in answer.raw.headers.getlist("Set-Cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer

    def open(self, path: str, **headers: str) -> requests.Response:
        """Open a page as a typed URL does."""
        return self.get(path, **NAVIGATION, **headers)

    def websocket(self, path: str, *, site: str = "same-origin") -> websocket.WebSocket:
        """Open a WebSocket. Raises WebSocketBadStatusException."""
        return websocket.create_connection(
            self.address.replace("http:", "ws:") + path,
            timeout=120,
            cookie=self._cookie,
            origin=self.address if site == "same-origin" else "http://evil.example",
            header=[f"Sec-Fetch-Site: {site}", "Sec-Fetch-Mode: websocket"],
        )

    @property
    def _cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    @property
    def _from_here(self) -> dict[str, str]:
        return {
            "Cookie": self._cookie,
            "Origin": self.address,
            "Sec-Fetch-Site": "same-origin",
            "Sec-Fetch-Mode": "cors",
        }

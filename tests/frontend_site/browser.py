"""A browser for tests: a strict jar of our two cookies, fetch metadata, forms."""

import html
import re
from typing import Any

from django.http.cookie import parse_cookie
from django.test import Client

from tests.answers import keep
from tests.frontend_site.stub import TOKEN

ORIGIN = "http://testserver"


class Browser:
    """Sends cookies as one raw header; keeps what Set-Cookie says; answers are Django responses."""

    def __init__(self) -> None:
        self.cookies: dict[str, str] = {}
        self._client = Client(raise_request_exception=False)

    def sign_in(self, token: str = TOKEN) -> "Browser":
        self.cookies["__Host-session"] = token
        return self

    def get(self, path: str, **headers: str) -> Any:
        """A navigation by this site's own link, unless `headers` say otherwise."""
        return self.send("GET", path, **headers)

    def post(self, path: str, data: dict[str, str] | None = None, **headers: str) -> Any:
        """Send a form with its token, as the page would."""
        from urllib.parse import urlencode

        fields = {"csrfmiddlewaretoken": self.token(), **(data or {})}
        return self.send(
            "POST",
            path,
            body=urlencode(fields).encode(),
            content_type="application/x-www-form-urlencoded",
            **{"Origin": ORIGIN, "Sec_Fetch_Site": "same-origin", **headers},
        )

    def call(
        self,
        method: str,
        path: str,
        body: bytes = b"{}",
        content_type: str = "application/json",
        **headers: str,
    ) -> Any:
        """A fetch() of this site's script, with its token."""
        if method not in ("GET", "HEAD") and "X_CSRF_Token" not in headers:
            headers["X_CSRF_Token"] = self.token()
        given = {"Sec_Fetch_Site": "same-origin", "Sec_Fetch_Dest": "empty", **headers}
        return self.send(method, path, body=body, content_type=content_type, **given)

    def token(self) -> str:
        """The CSRF token, fetched when there is none."""
        if "__Host-csrf" not in self.cookies:
            self.send("GET", "/api/auth/csrf")
        return self.cookies["__Host-csrf"]

    def send(
        self,
        method: str,
        path: str,
        *,
        body: bytes = b"",
        content_type: str = "",
        path_info: str = "",
        **headers: str,
    ) -> Any:
        """Send one request; header names with `_` for `-`. `Cookie` overrides the jar."""
        extra = {f"HTTP_{name.upper()}": value for name, value in headers.items() if value}
        if path_info:
            extra["PATH_INFO"] = path_info
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if cookie and "HTTP_COOKIE" not in extra:
            extra["HTTP_COOKIE"] = cookie
        self._client.cookies.clear()
        response = self._client.generic(
            method, path, body, content_type=content_type or "", **extra
        )
        self._keep(response)
        keep(method, path, response.status_code, b"" if response.streaming else response.content)
        return response

    def _keep(self, response: Any) -> None:
        for line in set_cookie_lines(response):
            name, value = next(iter(parse_cookie(line.partition(";")[0]).items()))
            if "Max-Age=0" in line:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value


def set_cookie_lines(response: Any) -> list[str]:
    """Every Set-Cookie line, as the WSGI handler writes it."""
    return [cookie.output(header="").strip() for cookie in response.cookies.values()]


def form_fields(page: str) -> dict[str, str]:
    """The named inputs of a page, hidden ones included."""
    found: dict[str, str] = {}
    for tag in re.findall(r"<input\b[^>]*>", page):
        attributes = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if "name" in attributes:
            found[attributes["name"]] = html.unescape(attributes.get("value", ""))
    return found

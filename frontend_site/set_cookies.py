"""Passes Set-Cookie headers of auth_api on unchanged."""

from http.cookies import CookieError, Morsel
from typing import Any

from django.http import HttpResponseBase


class _VerbatimCookie(Morsel[str]):
    """A Set-Cookie line that leaves as it came: Django would parse and write it anew."""

    def __init__(self, line: str) -> None:
        super().__init__()
        self.line = line
        name, _, rest = line.partition("=")
        value = rest.partition(";")[0]
        self.set(name.strip(), value, value)

    def output(self, attrs: Any = None, header: str = "", sep: str = "") -> str:
        return self.line

    OutputString = output


def add_set_cookie(response: HttpResponseBase, line: str) -> None:
    """Add one Set-Cookie line of auth_api to `response`, unchanged; several may share a name."""
    try:
        cookie = _VerbatimCookie(line)
    except CookieError:  # a name that is no cookie name: not from our auth_api
        return
    key = (
        cookie.key
        if cookie.key not in response.cookies
        else f"{cookie.key} {len(response.cookies)}"
    )
    response.cookies[key] = cookie  # a finished Morsel is taken as it is

"""Our cookies: read from the raw header by one strict rule, passed on byte for byte.

Django's parser strips Unicode blanks from names and lets the last of several win, so a sibling
host could toss a `__Host-` cookie past it. Here a cookie counts when its name is exactly the ASCII
name, occurs once, and its value has exactly our grammar.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from http.cookies import CookieError, Morsel
from typing import Any

from django.http import HttpResponseBase

SESSION_COOKIE = "__Host-session"
CSRF_COOKIE = "__Host-csrf"
# Cookies ignore ports: a browser may also send those of auth_api's admin.
_OURS = frozenset(
    name.lower()
    for name in (SESSION_COOKIE, CSRF_COOKIE, "__Host-admin-session", "__Host-admin-csrf")
)

_SESSION_TOKEN = re.compile(r"[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]{43}", re.ASCII)
_SEPARATOR = re.compile("[;,]")


class DuplicateCookie(Exception):
    """One of our cookies came more than once, or beside a look-alike: tampering."""


@dataclass(frozen=True)
class SessionToken:
    """What `__Host-session` holds. It hides itself from logs; only `value` shows it."""

    value: str = field(repr=False)

    @property
    def ref(self) -> str:
        """Whose session it says to be; true only after auth_api has said so."""
        return self.value.partition(".")[0]

    @classmethod
    def parse(cls, text: str | None) -> "SessionToken | None":
        """Return the token, or None when `text` has not exactly its grammar."""
        return cls(text) if text and _SESSION_TOKEN.fullmatch(text) else None


def read_cookie(header: str, name: str) -> str | None:
    """Return the value of cookie `name` in a raw Cookie header (WSGI's Latin-1), None when absent.

    Two Cookie lines reach us joined by a comma, so commas count as separators when we look for
    duplicates, but never lead to a value. Raises DuplicateCookie.
    """
    if name.lower() not in header.lower():
        return None
    if header.startswith(f"{name}=") and not _SEPARATOR.search(header):  # alone
        return header[len(name) + 1 :].rstrip(" \t")
    names = [_kind_name(piece.partition("=")[0]) for piece in re.split("[;,]", header)]
    if names.count(name.lower()) > 1:
        raise DuplicateCookie(name)
    for piece in header.split(";"):
        key, equals, value = piece.strip(" \t").partition("=")
        if equals and key == name:
            return value
    return None


def cookies_for_app(header: str) -> str:
    """Return a raw Cookie header without our cookies and their look-alikes, for an app.

    "" if nothing is left. Leaves out pieces that are not `name=value`, too: some parsers reject the
    whole header because of one.
    """
    pieces = (piece.strip(" \t") for piece in header.split(";"))
    return "; ".join(piece for piece in pieces if _is_for_app(piece))


def _is_for_app(piece: str) -> bool:
    name, equals, _ = piece.partition("=")
    if not name or not equals:
        return False
    # Two Cookie lines arrive joined by a comma, so one of our cookies may follow any comma.
    return not any(_kind_name(part.partition("=")[0]) in _OURS for part in piece.split(","))


def _kind_name(name: str) -> str:
    """The name that the kindest of parsers would make of `name`."""
    if name.isascii() and name.isprintable():  # as browsers send it
        return name.replace(" ", "").replace('"', "").lower()
    try:
        text = name.encode("latin-1").decode()
    except UnicodeError:
        text = name
    text = unicodedata.normalize("NFKC", text)
    kept = [c for c in text if unicodedata.category(c)[0] not in "CZ" and c != '"']
    return "".join(kept).casefold()


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

"""Reads Gatehouse's cookies from the raw Cookie header by one strict rule.

Django's parser strips Unicode spaces from names and uses the last of several cookies, so a sibling
host could inject a `__Host-` cookie (docs/explanation/threat-model.md). Here a cookie counts only if its
name is exactly the ASCII name and occurs once; its value is taken literally, including quotes.
"""

import re
import unicodedata

from . import variables
from .env import Env
from .kinds import SUFFIX_GRAMMAR

# Cookies ignore ports: two instances on one host name need names of their own.
_SUFFIX = Env().read(variables.COOKIE_SUFFIX)
_END = f"-{_SUFFIX}" if _SUFFIX else ""
SESSION_COOKIE = f"__Host-session{_END}"
CSRF_COOKIE = f"__Host-csrf{_END}"
KNOWN_BROWSER_COOKIE = f"__Host-known-browser{_END}"  # gatehouse/known_browser.py
SIGN_IN_COOKIE = f"__Host-signin{_END}"  # a sign-in that waits for a second factor
ADMIN_SESSION_COOKIE = f"__Host-admin-session{_END}"
ADMIN_CSRF_COOKIE = f"__Host-admin-csrf{_END}"
# `<ref>.<secret>`: whose session it is, and the only secret of a session.
SESSION_TOKEN = re.compile(r"([A-Za-z0-9_-]{16})\.([A-Za-z0-9_-]{43})", re.ASCII)
# A browser also sends the cookies of auth_api's admin, and those of other instances on this host name. A CSRF
# token is worth nothing without its session, and an app may well have a `__Host-csrf-token`.
_OURS = frozenset(
    name.lower()
    for name in (
        SESSION_COOKIE, CSRF_COOKIE, KNOWN_BROWSER_COOKIE, SIGN_IN_COOKIE, ADMIN_SESSION_COOKIE,
        ADMIN_CSRF_COOKIE,
    )
)  # fmt: skip
_ANY_INSTANCE = re.compile(
    rf"__host-((admin-)?session|known-browser|signin)(-{SUFFIX_GRAMMAR})?|__host-(admin-)?csrf",
    re.ASCII,
)
_SEPARATOR = re.compile("[;,]")


class DuplicateCookie(Exception):
    """One of our cookies came more than once, or beside a look-alike: tampering."""


def read_cookie(header: str, name: str) -> str | None:
    """Return the value of cookie `name` in a raw Cookie header (WSGI's Latin-1), None when absent.

    Two Cookie lines reach us joined by a comma, so commas count as separators when we look for
    duplicates, but never lead to a value. Raises DuplicateCookie.
    """
    if name.lower() not in header.lower():
        return None
    if header.startswith(f"{name}=") and not _SEPARATOR.search(header):  # alone
        return header[len(name) + 1 :].rstrip(" \t")
    names = [_lenient_name(piece.partition("=")[0]) for piece in _SEPARATOR.split(header)]
    if names.count(name.lower()) > 1:
        raise DuplicateCookie(name)
    for piece in header.split(";"):
        key, equals, value = piece.strip(" \t").partition("=")
        if equals and key == name:
            return value
    return None


def read_optional_cookie(header: str, name: str) -> str:
    """Like `read_cookie` for a cookie that nothing depends on: "" also for one that came twice."""
    try:
        return read_cookie(header, name) or ""
    except DuplicateCookie:
        return ""


def is_look_alike(name: str) -> bool:
    """Whether a lenient parser could read the cookie name `name` as one of ours, or of another instance."""
    lenient = _lenient_name(name)
    return lenient in _OURS or _ANY_INSTANCE.fullmatch(lenient) is not None


def _lenient_name(name: str) -> str:
    """The name that the most lenient parser would make of `name`."""
    if name.isascii() and name.isprintable():  # as browsers send it
        return name.replace(" ", "").replace('"', "").lower()
    try:
        text = name.encode("latin-1").decode()
    except UnicodeError:
        text = name
    text = unicodedata.normalize("NFKC", text)
    kept = [c for c in text if unicodedata.category(c)[0] not in "CZ" and c != '"']
    return "".join(kept).casefold()

"""Reads Gatehouse's cookies from the raw Cookie header by one strict rule.

Django's parser strips Unicode spaces from names and uses the last of several cookies, so a sibling
host could inject a `__Host-` cookie (docs/explanation/threat-model.md). Here a cookie counts only if its
name is exactly the ASCII name and occurs once; its value is taken literally, including quotes.
"""

import re
import unicodedata

SESSION_COOKIE = "__Host-session"
CSRF_COOKIE = "__Host-csrf"
KNOWN_BROWSER_COOKIE = "__Host-known-browser"  # gatehouse/known_browser.py
SIGN_IN_COOKIE = "__Host-signin"  # a sign-in that waits for a second factor
ADMIN_SESSION_COOKIE = "__Host-admin-session"
ADMIN_CSRF_COOKIE = "__Host-admin-csrf"
# `<ref>.<secret>`: whose session it is, and the only secret of a session.
SESSION_TOKEN = re.compile(r"([A-Za-z0-9_-]{16})\.([A-Za-z0-9_-]{43})", re.ASCII)
# Cookies ignore ports: a browser may also send those of auth_api's admin.
_OURS = frozenset(
    name.lower()
    for name in (
        SESSION_COOKIE, CSRF_COOKIE, KNOWN_BROWSER_COOKIE, SIGN_IN_COOKIE, ADMIN_SESSION_COOKIE,
        ADMIN_CSRF_COOKIE,
    )
)  # fmt: skip
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
    names = [_lenient_name(piece.partition("=")[0]) for piece in re.split("[;,]", header)]
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
    """Whether a lenient parser could read the cookie name `name` as one of ours."""
    return _lenient_name(name) in _OURS


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

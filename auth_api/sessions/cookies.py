"""Our cookies, read from the raw header by one strict rule.

Django's parser strips Unicode blanks from names and lets the last of several win, so a sibling
host could toss a `__Host-` cookie past it (docs/threat-model.md). Here a cookie counts when its
name is exactly the ASCII name, occurs once, and its value is exactly a session token.
"""

from .exceptions import SessionError
from .tokens import SessionToken


class DuplicateCookie(SessionError):
    """One of our cookies came more than once, or beside a look-alike: tampering."""


def read_session_cookie(header: str, name: str) -> SessionToken | None:
    """Return the token of cookie `name` in a raw Cookie header; None when absent or garbled.

    `header` is the WSGI string (Latin-1). Raises DuplicateCookie.
    """
    if name.lower() not in header.lower():
        return None
    pairs = [part.partition("=") for part in header.replace(",", ";").split(";")]
    alike = [pair for pair in pairs if _kind_name(pair[0]) == name.lower()]
    if len(alike) > 1:
        raise DuplicateCookie(name)
    exact = [value for key, _, value in pairs if key.strip(" \t") == name]
    if "," in header and not exact:
        return None
    return SessionToken.parse(exact[0].strip(" \t")) if exact else None


def _kind_name(name: str) -> str:
    """The name that a kind parser (Django's, some browsers') would make of it."""
    try:
        text = name.encode("latin-1").decode("utf-8")
    except UnicodeError:
        text = name
    return text.strip().strip("\x1c\x1d\x1e\x1f\x85\xa0").strip().lower()

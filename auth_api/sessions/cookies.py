"""Our cookies, read from the raw header by one strict rule.

Django's parser strips Unicode blanks from names and lets the last of several win, so a sibling
host could toss a `__Host-` cookie past it (docs/threat-model.md). Here a cookie counts when its
name is exactly the ASCII name, occurs once, and its value is exactly a session token.
"""

import re

from .exceptions import SessionError
from .tokens import SessionToken

_SEPARATOR = re.compile("[;,]")


class DuplicateCookie(SessionError):
    """One of our cookies came more than once, or beside a look-alike: tampering."""


def read_session_cookie(header: str, name: str) -> SessionToken | None:
    """Return the token of cookie `name` in a raw Cookie header; None when absent or garbled.

    `header` is the WSGI string (Latin-1). Raises DuplicateCookie.
    """
    if header.startswith(f"{name}=") and not _SEPARATOR.search(
        header
    ):  # alone, as the BFF sends it
        return SessionToken.parse(header[len(name) + 1 :].strip(" \t"))
    if name.lower() not in header.lower():
        return None
    # Servers join two Cookie lines by a comma: what stands behind one is tampering or nothing.
    names = [part.partition("=")[0] for part in header.replace(",", ";").split(";")]
    if sum(_kind_name(found) == name.lower() for found in names) > 1:
        raise DuplicateCookie(name)
    pairs = (part.partition("=") for part in header.split(";"))
    exact = [value.strip(" \t") for found, _, value in pairs if found.strip(" \t") == name]
    return SessionToken.parse(exact[0]) if exact else None


def _kind_name(name: str) -> str:
    """The name that a kind parser (Django's, some browsers') would make of it."""
    try:
        text = name.encode("latin-1").decode("utf-8")
    except UnicodeError:
        text = name
    return text.strip().strip("\x1c\x1d\x1e\x1f\x85\xa0").strip().lower()

"""Reads the session token of a request by the strict cookie rule (gatehouse/cookies.py)."""

from gatehouse.cookies import read_cookie

from .tokens import SessionToken


def read_session_cookie(header: str, name: str) -> SessionToken | None:
    """Return the token of cookie `name` in a raw Cookie header; None when absent or garbled.

    `header` is the WSGI string (Latin-1). Raises DuplicateCookie.
    """
    return SessionToken.parse(read_cookie(header, name))

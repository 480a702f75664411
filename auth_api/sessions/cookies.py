"""Reads tokens from cookies by the strict rule (gatehouse/cookies.py), and writes such cookies."""

from django.http import HttpResponseBase

from gatehouse.cookies import read_cookie

from .tokens import SessionToken


def read_session_cookie(header: str, name: str) -> SessionToken | None:
    """Return the token of cookie `name` in a raw Cookie header; None when absent or garbled.

    `header` is the WSGI string (Latin-1). Raises DuplicateCookie.
    """
    return SessionToken.parse(read_cookie(header, name))


def set_strict_cookie(
    response: HttpResponseBase, name: str, value: str, *, max_age: int | None
) -> None:
    """Set a `__Host-` cookie that only this site's requests carry; `max_age` None: until the browser closes."""
    response.set_cookie(
        name, value, max_age=max_age, path="/", secure=True, httponly=True, samesite="Strict"
    )


def expire_strict_cookie(response: HttpResponseBase, name: str) -> None:
    """Expire the cookie, with the attributes it was set with (else browsers ignore it)."""
    response.set_cookie(
        name, "", max_age=0, path="/", secure=True, httponly=True, samesite="Strict",
        expires="Thu, 01 Jan 1970 00:00:00 GMT",
    )  # fmt: skip

"""Describes the client to auth_api. Nothing is copied from headers that the browser can set."""

from dataclasses import dataclass, field
from hashlib import sha256

from django.http import HttpRequest

from frontend_site.options import options
from frontend_site.session_token import SessionToken
from frontend_site.site_request import SiteRequest
from gatehouse import forwarded
from gatehouse.cookies import KNOWN_BROWSER_COOKIE, SIGN_IN_COOKIE, read_optional_cookie

_LONGEST_USER_AGENT = 512  # characters


@dataclass(frozen=True)
class Caller:
    """The browser behind a call."""

    session_token: SessionToken | None = None
    address: str = ""
    user_agent: str = ""
    request_id: str = ""
    known_browser: str = field(default="", repr=False)  # the cookie's value, checked by nobody yet
    sign_in: SessionToken | None = None  # of a pending sign-in
    browser: str = ""  # SHA-256 of its CSRF token: what tells one browser from another


def caller_of(
    request: SiteRequest, *, with_known_browser: bool = False, with_sign_in: bool = False
) -> Caller:
    """Return what auth_api may know of the browser behind `request`.

    `with_known_browser`: read that cookie, which only few calls need; `with_sign_in`: that of a pending
    sign-in, and say which browser it is.
    """
    sent = request.META.get("HTTP_COOKIE", "")
    known = read_optional_cookie(sent, KNOWN_BROWSER_COOKIE) if with_known_browser else ""
    pending = read_optional_cookie(sent, SIGN_IN_COOKIE) if with_sign_in else ""
    csrf = request.csrf_cookie if with_sign_in else None
    return Caller(
        session_token=request.session_token,
        known_browser=known,
        sign_in=SessionToken.parse(pending) if pending else None,
        browser=sha256(csrf.encode()).hexdigest() if csrf else "",
        address=client_address(request),
        user_agent=_printable(request.META.get("HTTP_USER_AGENT", "")),
        request_id=request.request_id,
    )


def client_address(request: HttpRequest) -> str:
    """Return the peer's address, or with n proxy hops the n-th of X-Forwarded-For from the right."""
    return forwarded.client_address(request.META, options().proxy_hops, "GATEHOUSE_PROXY_HOPS")


def _printable(text: str) -> str:
    text = text[:_LONGEST_USER_AGENT]
    if text.isascii() and text.isprintable():  # as browsers send it
        return text.strip()
    kept = (c if " " <= c <= "~" else f"%{ord(c):02X}" for c in text)
    return "".join(kept).strip()[:_LONGEST_USER_AGENT]

"""The type of requests as the middleware passes them to views."""

import os
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING
from urllib.parse import quote

from django.http import HttpRequest

from frontend_site.session_token import SessionToken

if TYPE_CHECKING:
    from frontend_site.backend.session_check import SessionCheck
    from frontend_site.backend.site_session import SiteSession
    from frontend_site.backend.users import SiteUser
    from frontend_site.security.csrf import CsrfState


class SiteRequest(HttpRequest):
    """An HttpRequest after our middleware. Nobody makes one; it names the attributes."""

    request_id: str
    csp_nonce: str  # by `nonce_of`
    session_token: SessionToken | None
    csrf_cookie: str | None
    csrf: "CsrfState"
    auth_cookies: list[str]  # Set-Cookie lines of auth_api that go to the browser
    session_check: "SessionCheck"
    session: "SiteSession"  # type: ignore[assignment]  # no SessionBase: auth_api keeps it
    user: "SiteUser"  # type: ignore[assignment]  # not a model here
    auser: "Callable[[], Awaitable[SiteUser]]"  # type: ignore[assignment]


def nonce_of(request: HttpRequest) -> str:
    """Return the nonce of this request's scripts; made when it is first asked for."""
    nonce: str = getattr(request, "csp_nonce", "")
    if not nonce:
        nonce = urlsafe_b64encode(os.urandom(16))[:22].decode()  # 22 characters: 128 bits
        request.csp_nonce = nonce  # type: ignore[attr-defined]
    return nonce


def query_value(request: HttpRequest, name: str) -> str:
    """Return a value of the query, "" without one: most requests have no query, and Django would parse it."""
    return request.GET.get(name, "") if request.META.get("QUERY_STRING") else ""


def is_api(request: HttpRequest) -> bool:
    """Whether errors of this request are problem documents (else pages): by its path, or by its view."""
    if request.path_info.startswith(("/api/", "/auth/", "/.well-known/")):
        return True
    match = request.resolver_match
    return match is not None and getattr(match.func, "kind", "") in ("json", "webhook")


def request_target(request: HttpRequest) -> str:
    """Return the target of the request line (gunicorn's RAW_URI), in which nothing is decoded."""
    raw = request.META.get("RAW_URI")
    if raw is not None:
        return str(raw)
    return quote(request.path_info, safe="/-._~!$&'()*+,;=:@") + (
        f"?{request.META['QUERY_STRING']}" if request.META.get("QUERY_STRING") else ""
    )

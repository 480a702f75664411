"""The headers that pass between browser and upstream: these lists, nothing else.

So no cookie, no identity that a browser claims and no hop-by-hop header (RFC 9110, 7.6.1) goes
in, and nothing that would weaken this site comes out.
"""

import re
import secrets
from collections.abc import Iterator

from django.http.request import HttpHeaders

from frontend_site.backend.caller import client_address
from frontend_site.settings.upstreams import Upstream
from frontend_site.site_request import SiteRequest
from frontend_site.transport.answer import Head

from .target import own_location

TO_UPSTREAM = (
    "Accept", "Accept-Encoding", "Accept-Language", "Cache-Control", "Content-Encoding",
    "Content-Language", "Content-Type", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range",
    "If-Unmodified-Since", "Last-Event-ID", "Prefer", "Range", "User-Agent",
)  # fmt: skip
_FROM_BROWSER = tuple(  # name, in lower case, in the WSGI environment
    (name, name.lower(), HttpHeaders.to_wsgi_name(name)) for name in TO_UPSTREAM
)
TO_BROWSER = (
    "Accept-Ranges", "Allow", "Content-Disposition", "Content-Encoding", "Content-Language",
    "Content-Length", "Content-Range", "Content-Type", "ETag", "Last-Modified",
    "Preference-Applied", "Retry-After", "Vary",
)  # fmt: skip
_COOKIE_ATTRIBUTES = frozenset({"max-age", "expires", "httponly"})
_TRACE_ID = re.compile("[0-9a-f]{32}")


def upstream_headers(request: SiteRequest, upstream: Upstream, identity: str) -> dict[str, str]:
    """Return every header of the forwarded request but Host and its framing."""
    hops = _hops(request.META.get("HTTP_CONNECTION", ""))
    given = {
        name: request.META[key]
        for name, lower, key in _FROM_BROWSER
        if key in request.META and lower not in hops
    }
    headers = {"Accept-Encoding": "identity", "User-Agent": "gatehouse", **given}
    if cookies := _allowed_cookies(request, upstream):
        headers["Cookie"] = cookies
    return {
        **headers,
        "Authorization": f"Bearer {identity}",
        "X-Request-Id": request.request_id,
        "traceparent": _traceparent(request.request_id),
        "X-Forwarded-For": client_address(request),
        "X-Forwarded-Proto": request.scheme or "http",
        "X-Forwarded-Host": request.get_host(),
        "X-Forwarded-Prefix": f"/api/{upstream.name}",
    }


def browser_headers(head: Head, upstream: Upstream, target: str) -> dict[str, str]:
    """Return the headers of the answer but its cookies."""
    given: dict[str, str] = {}
    for name, value in head.lines:
        given.setdefault(name, value)
    hops = _hops(given.get("connection", ""))
    passed = {n: given[n.lower()] for n in TO_BROWSER if n.lower() in given.keys() - hops}
    passed["Cache-Control"] = _private(given.get("cache-control", ""))
    if location := given.get("location"):
        passed["Location"] = own_location(location, upstream, target)
    return {name: value for name, value in passed.items() if value}


def cookie_lines(head: Head, upstream: Upstream) -> Iterator[str]:
    """Yield the allowed Set-Cookie lines: sent back to this upstream only, and as strict as ours."""
    for line in head.all("set-cookie"):
        pair, *attributes = (piece.strip() for piece in line.split(";"))
        if pair.partition("=")[0] in upstream.cookies:
            kept = [a for a in attributes if a.partition("=")[0].lower() in _COOKIE_ATTRIBUTES]
            place = f"Path=/api/{upstream.name}/"
            yield "; ".join((pair, *kept, place, "SameSite=Strict", "Secure"))


def _hops(connection: str) -> set[str]:
    """The headers that were meant for one hop only."""
    return {name.strip().lower() for name in connection.split(",")}


def _allowed_cookies(request: SiteRequest, upstream: Upstream) -> str:
    pieces = (piece.strip(" \t") for piece in request.META.get("HTTP_COOKIE", "").split(";"))
    return "; ".join(piece for piece in pieces if piece.partition("=")[0] in upstream.cookies)


def _private(policy: str) -> str:
    """An answer for one person is kept by no shared cache, and by default nowhere."""
    directives = [d.strip() for d in policy.lower().split(",")]
    kept = [d for d in directives if d and d != "public" and not d.startswith("s-maxage")]
    if not kept or "no-store" in kept:
        return "no-store"
    return ", ".join(dict.fromkeys(("private", *kept)))


def _traceparent(request_id: str) -> str:
    """W3C Trace Context; the request id is the trace, so that logs find each other."""
    trace = request_id if _TRACE_ID.fullmatch(request_id) else secrets.token_hex(16)
    return f"00-{trace}-{secrets.token_hex(8)}-01"

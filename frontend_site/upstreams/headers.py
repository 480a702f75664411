"""The headers that pass between browser and upstream: these lists and the upstream's own, nothing else.

So no cookie, no identity that a browser claims and no hop-by-hop header (RFC 9110, 7.6.1) goes
in, and nothing that would weaken this site comes out.
"""

import os
import re
from collections.abc import Iterator
from functools import cache

from django.http.request import HttpHeaders

from frontend_site.backend.caller import client_address
from frontend_site.settings.passed_headers import Patterns
from frontend_site.settings.upstreams import Upstream
from frontend_site.site_request import SiteRequest
from frontend_site.transport.answer import Head

from .location import own_location
from .target import destination_of

TO_UPSTREAM = (
    "Accept", "Accept-Encoding", "Accept-Language", "Cache-Control", "Content-Encoding",
    "Content-Language", "Content-Type", "Depth", "Idempotency-Key", "If", "If-Match", "If-Modified-Since",
    "If-None-Match", "If-Range", "If-Unmodified-Since", "Last-Event-ID", "Lock-Token", "Overwrite", "Prefer",
    "Range", "Timeout", "User-Agent", "X-Requested-With",
)  # fmt: skip
_FROM_BROWSER = tuple(  # name, in lower case, in the WSGI environment
    (name, name.lower(), HttpHeaders.to_wsgi_name(name)) for name in TO_UPSTREAM
)
_KINDS_TO_UPSTREAM = ("hx-*",)
TO_BROWSER = (
    "Accept-Ranges", "Allow", "Content-Disposition", "Content-Encoding", "Content-Language",
    "Content-Length", "Content-Range", "Content-Type", "DAV", "ETag", "Last-Modified", "Link",
    "Lock-Token", "MS-Author-Via", "Preference-Applied", "Retry-After", "Server-Timing", "Vary", "X-Total-Count",
)  # fmt: skip
_TO_BROWSER = {name.lower(): name for name in TO_BROWSER}
_KINDS_TO_BROWSER = ("hx-*", "ratelimit*", "x-ratelimit-*")
_ADDRESSES = ("Content-Location", "Location")  # translated, as those in Link are
# Of htmx, which follows them as a browser follows Location; "false" for none.
_HTMX_ADDRESSES = ("Hx-Redirect", "Hx-Location", "Hx-Push-Url", "Hx-Replace-Url")
# A second line of any other is a further member of its list (RFC 9110, 5.3).
_ONE_LINE = frozenset({
    "content-disposition", "content-length", "content-location", "content-range", "content-type", "etag",
    "last-modified", "location", "retry-after",
})  # fmt: skip
_LINK = re.compile(r'<([^<>]*)>((?:[^",<]|"(?:[^"\\]|\\.)*")*)')  # RFC 8288, 3
_COOKIE_ATTRIBUTES = frozenset({"max-age", "expires", "httponly"})
_TRACE_ID = re.compile("[0-9a-f]{32}")
_TRACEPARENT = re.compile(  # W3C Trace Context, 3.2
    "00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
)
_TRACESTATE = re.compile(r"[\x20-\x7e]{1,512}")


def upstream_headers(request: SiteRequest, upstream: Upstream, identity: str) -> dict[str, str]:
    """Return every header of the forwarded request but Host and its framing."""
    hops = _hops(request.META.get("HTTP_CONNECTION", ""))
    given = {
        name: request.META[key]
        for name, lower, key in _FROM_BROWSER
        if key in request.META and lower not in hops
    }
    headers = {"Accept-Encoding": "identity", "User-Agent": "gatehouse", **given}
    headers.update(_of_kinds(request, upstream, hops))
    if cookies := _allowed_cookies(request, upstream):
        headers["Cookie"] = cookies
    if "HTTP_DESTINATION" in request.META and (place := destination_of(request, upstream)):
        headers["Destination"] = place
    return {
        **headers,
        "Authorization": f"Bearer {identity}",
        "X-Request-Id": request.request_id,
        **_trace(request),
        "X-Forwarded-For": client_address(request),
        "X-Forwarded-Proto": request.scheme or "http",
        "X-Forwarded-Host": request.META.get("HTTP_HOST") or request.get_host(),  # HostMiddleware's
        "X-Forwarded-Prefix": f"/api/{upstream.name}",
    }


def browser_headers(head: Head, upstream: Upstream, target: str) -> dict[str, str]:
    """Return the headers of the answer but its cookies."""
    given: dict[str, str] = {}
    for name, value in head.lines:
        if name not in given:
            given[name] = value
        elif name not in _ONE_LINE:
            given[name] += f", {value}"
    hops = _hops(given.get("connection", ""))
    kinds = _to_browser(upstream.options.answer_headers)
    passed = {
        _TO_BROWSER.get(name, name.title()): value
        for name, value in given.items()
        if name not in hops and (name in _TO_BROWSER or kinds.match(name))
    }
    passed["Cache-Control"] = _private(given.get("cache-control", ""))
    if "Link" in passed:
        passed["Link"] = _own_links(passed["Link"], upstream, target)
    for name in _ADDRESSES:
        if name.lower() in given:
            passed[name] = own_location(given[name.lower()], upstream, target)
    for name in _HTMX_ADDRESSES:
        if passed.get(name, "false") != "false":
            passed[name] = own_location(passed[name], upstream, target)
    return {name: value for name, value in passed.items() if value}


def cookie_lines(head: Head, upstream: Upstream) -> Iterator[str]:
    """Yield the allowed Set-Cookie lines: sent back to this upstream only, and as strict as ours."""
    for line in head.all("set-cookie"):
        pair, *attributes = (piece.strip() for piece in line.split(";"))
        if pair.partition("=")[0] in upstream.options.cookies:
            kept = [a for a in attributes if a.partition("=")[0].lower() in _COOKIE_ATTRIBUTES]
            place = f"Path=/api/{upstream.name}/"
            yield "; ".join((pair, *kept, place, "SameSite=Strict", "Secure"))


def _hops(connection: str) -> set[str]:
    """The headers that were meant for one hop only."""
    if not connection:
        return set()
    return {name.strip().lower() for name in connection.split(",")}


def _allowed_cookies(request: SiteRequest, upstream: Upstream) -> str:
    if not upstream.options.cookies:
        return ""
    allowed = upstream.options.cookies
    pieces = [piece.strip(" \t") for piece in request.META.get("HTTP_COOKIE", "").split(";")]
    return "; ".join([piece for piece in pieces if piece.partition("=")[0] in allowed])


def _private(policy: str) -> str:
    """An answer for one person is kept by no shared cache, and by default nowhere."""
    directives = [d.strip() for d in policy.lower().split(",")]
    kept = [d for d in directives if d and d != "public" and not d.startswith("s-maxage")]
    if not kept or "no-store" in kept:
        return "no-store"
    return ", ".join(dict.fromkeys(("private", *kept)))


def _of_kinds(request: SiteRequest, upstream: Upstream, hops: set[str]) -> dict[str, str]:
    """Return what passes by a pattern, or because the upstream asks for it."""
    kinds, meta = _to_upstream(upstream.options.request_headers), request.META
    # In WSGI's spelling, so that most headers of a browser cost no call.
    keys = [k for k in meta if k in kinds.names or k.startswith(kinds.beginnings)]
    named = [(key[5:].replace("_", "-").lower(), key) for key in keys]
    return {name.title(): meta[key] for name, key in named if name not in hops}


@cache
def _to_browser(wanted: frozenset[str]) -> Patterns:
    return Patterns.of(*_KINDS_TO_BROWSER, *wanted)


@cache
def _to_upstream(wanted: frozenset[str]) -> Patterns:
    """As names in the WSGI environment."""
    patterns = (*_KINDS_TO_UPSTREAM, *wanted)
    return Patterns.of(*(f"HTTP_{name.replace('-', '_').upper()}" for name in patterns))


def _own_links(links: str, upstream: Upstream, target: str) -> str:
    """Translate the targets of a Link header; a link that leads elsewhere is left out, as a redirect is."""
    found = ((own_location(m[1], upstream, target), m[2]) for m in _LINK.finditer(links))
    return ", ".join(
        f"<{address}>{parameters.rstrip()}" for address, parameters in found if address
    )


def _trace(request: SiteRequest) -> dict[str, str]:
    """W3C Trace Context: the caller's; else the request id is the trace, so that logs find each other."""
    given, state = request.META.get("HTTP_TRACEPARENT", ""), request.META.get("HTTP_TRACESTATE", "")
    if _TRACEPARENT.fullmatch(given):
        return {
            "traceparent": given,
            **({"tracestate": state} if _TRACESTATE.fullmatch(state) else {}),
        }
    trace = request.request_id if _TRACE_ID.fullmatch(request.request_id) else os.urandom(16).hex()
    return {"traceparent": f"00-{trace}-{os.urandom(8).hex()}-01"}

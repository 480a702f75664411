"""Checks where a request came from: the first CSRF check.

`Sec-Fetch-Site` is written by the browser and out of reach of scripts; `Origin` and `Referer` stand
in for browsers that do not send it.
"""

from urllib.parse import urlsplit

from django.http import HttpRequest

from frontend_site.options import options
from frontend_site.site_request import is_api

_KNOWN_SITES = frozenset({"same-origin", "same-site", "cross-site", "none"})


def fetch_site(request: HttpRequest) -> str:
    """Return Sec-Fetch-Site, or "" when it is absent or unknown (then it is ignored)."""
    # META, here and in the middleware: `request.headers` parses every header at its first use.
    site = request.META.get("HTTP_SEC_FETCH_SITE", "")
    return site if site in _KNOWN_SITES else ""


def is_from_elsewhere(request: HttpRequest) -> bool:
    """Whether the browser says that another site, or a sibling host, sent this request."""
    return fetch_site(request) in ("cross-site", "same-site")


def is_own_origin(request: HttpRequest, origin: str) -> bool:
    """Whether `origin` is this site. In production only the configured origin is."""
    gatehouse = options()
    if origin == gatehouse.public_origin:
        return True
    own = f"{request.scheme}://{request.get_host()}"
    return not gatehouse.strict_origin and origin == own


def is_navigation(request: HttpRequest) -> bool:
    """Whether a browser opens a page, as far as can be told; otherwise it is a fetch."""
    if mode := request.headers.get("Sec-Fetch-Mode"):
        return mode == "navigate"
    return "text/html" in request.headers.get("Accept", "")


def own_referer(request: HttpRequest) -> str:
    """Return path and query of the page of this site that sent the browser here; "" if none did."""
    if not is_own_origin(request, referer_origin(request)):
        return ""
    parts = urlsplit(request.headers["Referer"])
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def referer_origin(request: HttpRequest) -> str:
    """Return the origin of the Referer; "" when there is none or it is garbled."""
    try:
        parts = urlsplit(request.headers.get("Referer", ""))
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme and parts.netloc else ""


def origin_refusal(request: HttpRequest) -> str | None:
    """Return why an unsafe request is not from this site, or None when it may go on.

    `Origin: null` beside `Sec-Fetch-Site: same-origin` is a form on a page with `no-referrer`.
    """
    site, origin = fetch_site(request), request.headers.get("Origin", "")
    if origin and origin != "null" and not is_own_origin(request, origin):
        return "foreign-origin"
    if site == "same-origin":
        return None
    if site == "none" and request.headers.get("Sec-Fetch-Mode") == "navigate":
        return "null-origin" if origin == "null" else None
    if site:
        return f"fetch-site-{site}"
    return _refusal_without_fetch_metadata(request, origin)


def handshake_refusal(request: HttpRequest) -> str | None:
    """Return why the handshake of a WebSocket is not from a page of this site, or None when it may go on.

    Every browser sends `Origin` with it (RFC 6455, 4.1), and no header can carry a token. So one without
    `Origin` is refused, too.
    """
    origin, site = request.META.get("HTTP_ORIGIN", ""), fetch_site(request)
    if not is_own_origin(request, origin):
        return "foreign-origin" if origin else "no-origin"
    return None if site in ("", "same-origin") else f"fetch-site-{site}"


def _refusal_without_fetch_metadata(request: HttpRequest, origin: str) -> str | None:
    if origin:
        return "null-origin" if origin == "null" else None
    if referer := referer_origin(request):
        return None if is_own_origin(request, referer) else "foreign-referer"
    # A client that is no browser shows its token; a browser's form always names an origin.
    return None if is_api(request) else "no-origin"

"""Translates addresses in the headers of an upstream's answers to addresses of this site."""

from urllib.parse import SplitResult, urljoin, urlsplit

from frontend_site.options import options
from frontend_site.settings.upstreams import Upstream
from gatehouse.default_ports import DEFAULT_PORTS

from .target import BACKSLASH_OR_CONTROL, own_host, stays_inside


def own_location(location: str, upstream: Upstream, target: str) -> str:
    """Return a Location of `upstream`, given in answer to `target`, as an address of this site.

    "" for what leads elsewhere: it would show a name of the inner network, or send people away;
    with `redirects=any`, it is returned as it is.
    """
    try:
        parts = urlsplit(location)
        port = parts.port  # noqa: F841 - raises ValueError
    except ValueError:
        return ""
    if parts.scheme and not parts.netloc:
        return ""
    path = urljoin(target.partition("?")[0], parts.path)
    bases = _bases(parts, upstream)
    rest = next((path.removeprefix(f"{b}/") for b in bases if path.startswith(f"{b}/")), None)
    if rest is None or not stays_inside(rest, upstream):
        return location if _may_lead_away(parts, upstream) else ""
    query = f"?{parts.query}" if parts.query else ""
    return f"/api/{upstream.name}/{rest}{query}" + (f"#{parts.fragment}" if parts.fragment else "")


def place_of(location: str) -> str:
    """Return as much of an address as a log may have: its origin, or where a path begins."""
    try:
        parts = urlsplit(location)
        origin = f"{parts.scheme}://{parts.hostname}" if parts.hostname else ""
    except ValueError:
        return ""
    return origin[:80] or "/".join(parts.path[:80].split("/")[:2])


def _bases(parts: SplitResult, upstream: Upstream) -> list[str]:
    """Return what a path begins with if it is the upstream's, in this site's words or in its own."""
    relative, host = not parts.netloc, parts.netloc.lower()
    origin = f"{parts.scheme or upstream.scheme}://{host}"
    # An upstream that gets our Host may not know our scheme.
    as_us = upstream.options.public_host and host == own_host()
    # Built from our X-Forwarded headers it names this site, else the service itself.
    own = relative or as_us or origin == options().public_origin
    inner = relative or as_us or _is_of(parts, upstream)
    return [f"/api/{upstream.name}"] * own + [upstream.base] * inner


def _is_of(parts: SplitResult, upstream: Upstream) -> bool:
    """Whether an address is of the upstream's server, however it is written. The scheme does not matter."""
    scheme = parts.scheme or upstream.scheme
    port = parts.port or DEFAULT_PORTS.get(scheme)
    return ((parts.hostname or "").rstrip("."), port) == (upstream.host.rstrip("."), upstream.port)


def _may_lead_away(parts: SplitResult, upstream: Upstream) -> bool:
    """Whether it is the address of another server, and the upstream may send people there."""
    return (
        upstream.options.any_redirect
        and parts.scheme in ("", "http", "https")
        and bool(parts.hostname)
        and parts.username is None
        and not _is_of(parts, upstream)
        and not BACKSLASH_OR_CONTROL.search(parts.geturl())
    )

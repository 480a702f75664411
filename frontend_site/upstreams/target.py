"""Maps a request to a path of its upstream. No path leaves the upstream's base.

Read from the request line as it came, since a decoded path has lost what was encoded; whatever
two parsers could read in two ways is refused, not cleaned.
"""

import re
from urllib.parse import unquote, urljoin, urlsplit

from django.http import HttpRequest

from frontend_site.options import options
from frontend_site.settings.upstreams import NAME, Upstream
from frontend_site.site_request import request_target

_SEGMENT = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*"  # RFC 3986, 3.3
_REST = re.compile(rf"(?:{_SEGMENT}/)*{_SEGMENT}", re.ASCII)
_PATH = re.compile(rf"/api/({NAME})/(.*)", re.ASCII)
_QUERY = re.compile(r"[!-\"$-~]*", re.ASCII)  # what a request line can hold, but no `#`
# Slash, backslash, percent sign of a second encoding, and what is not printable.
_TWO_READINGS = re.compile(r"%(?:2[fF]|5[cC]|25|[01][0-9A-Fa-f]|7[fF])")


class BadTarget(Exception):
    """The path could be read in two ways, or leads out of the upstream."""


def target_of(request: HttpRequest, upstream: Upstream) -> str:
    """Return path and query for `upstream`. Raises BadTarget."""
    path, question, query = request_target(request).partition("?")
    match = _PATH.fullmatch(path)
    if match is None or match[1] != upstream.name or unquote(path) != request.path_info:
        raise BadTarget
    if not _stays_inside(match[2]) or not _QUERY.fullmatch(query):
        raise BadTarget
    return f"{upstream.base}/{match[2]}{question}{query}"


def _leads_astray(segment: str) -> bool:
    """Empty and dot segments; also `..;x`, which some servers take for `..`."""
    return unquote(segment).partition(";")[0] in ("", ".", "..")


def own_location(location: str, upstream: Upstream, target: str) -> str:
    """Return a Location of `upstream`, given in answer to `target`, as an address of this site.

    "" for what leads elsewhere: it would show a name of the inner network, or send people away.
    """
    try:
        parts = urlsplit(location)
        origin = f"{parts.scheme or upstream.scheme}://{parts.netloc}"
    except ValueError:
        return ""
    if parts.scheme and not parts.netloc:
        return ""
    here = f"/api/{upstream.name}"
    path = urljoin(target.partition("?")[0], parts.path)
    # Built from our X-Forwarded headers it names this site, else the service itself.
    own = not parts.netloc or origin.lower() == options().public_origin
    inner = not parts.netloc or origin.lower() == upstream.server.origin.lower()
    bases = [here] * (own and path.startswith(f"{here}/")) + [upstream.base] * inner
    rest = next((path.removeprefix(f"{b}/") for b in bases if path.startswith(f"{b}/")), None)
    if rest is None or not _stays_inside(rest):
        return ""
    query = f"?{parts.query}" if parts.query else ""
    return f"/api/{upstream.name}/{rest}{query}" + (f"#{parts.fragment}" if parts.fragment else "")


def _stays_inside(rest: str) -> bool:
    if not _REST.fullmatch(rest) or _TWO_READINGS.search(rest):
        return False
    *folders, last = rest.split("/")
    return not any(map(_leads_astray, folders)) and not (last and _leads_astray(last))

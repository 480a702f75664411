"""Maps a request to a path of its upstream. No path leaves the upstream's base.

Read from the request line as it came, since a decoded path has lost what was encoded; whatever
two parsers could read in two ways is refused, not cleaned. With `paths=encoded`, an upstream gets encoded
slashes and percent signs, too, if the path stays inside however often it is decoded.
"""

import re
from urllib.parse import unquote, urlsplit

from django.http import HttpRequest

from frontend_site.options import options
from frontend_site.settings.upstreams import NAME, Upstream
from frontend_site.site_request import request_target

_SEGMENT = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*"  # RFC 3986, 3.3
_REST = re.compile(rf"(?:{_SEGMENT}/)*{_SEGMENT}", re.ASCII)
_PATH = re.compile(rf"/api/({NAME})/(.*)", re.ASCII)
_QUERY = re.compile(r"[!-\"$-~]*", re.ASCII)  # what a request line can hold, but no `#`
_UNWISE = re.compile(r"[\[\]|^]")  # RFC 3986, 3.3 allows none; browsers do not encode them
_MOST_DECODINGS = 4
BACKSLASH_OR_CONTROL = re.compile(r"[\x00-\x1f\x7f\\]")
_WITH_DESTINATION = frozenset({"COPY", "MOVE"})
# Slash, backslash, percent sign of a second encoding, and what is not printable.
_TWO_READINGS = re.compile(r"%(?:2[fF]|5[cC]|25|[01][0-9A-Fa-f]|7[fF])")


class BadTarget(Exception):
    """The path could be read in two ways, or leads out of the upstream."""


def target_of(request: HttpRequest, upstream: Upstream) -> str:
    """Return path and query for `upstream`. Raises BadTarget."""
    path, question, query = request_target(request).partition("?")
    if unquote(path) != request.path_info or not _QUERY.fullmatch(query):
        raise BadTarget
    return f"{upstream.base}/{_rest(path, upstream)}{question}{query}"


def destination_of(request: HttpRequest, upstream: Upstream) -> str:
    """Return the Destination of a COPY or MOVE as an address of `upstream`, "" without one.

    Raises BadTarget: the header names a place as the request line does (RFC 4918, 10.3).
    """
    if not (path := _destination_path(request)):
        return ""
    origin = options().public_origin if upstream.options.public_host else upstream.server.origin
    return f"{origin}{upstream.base}/{_rest(path, upstream)}"


def opened_paths(request: HttpRequest) -> list[str]:
    """Return every path of this site that the request concerns, as it was sent."""
    paths = [request_target(request).partition("?")[0], _destination_path(request)]
    return [path for path in paths if path]


def _destination_path(request: HttpRequest) -> str:
    text = request.META.get("HTTP_DESTINATION", "")
    if not text or request.method not in _WITH_DESTINATION:
        return ""
    for origin in (options().public_origin, f"{request.scheme}://{request.get_host()}"):
        text = text.removeprefix(origin)
    return str(text)


def _rest(path: str, upstream: Upstream) -> str:
    """Return what follows the upstream's name in a path of this site. Raises BadTarget."""
    match = _PATH.fullmatch(path)
    if match is None or match[1] != upstream.name:
        raise BadTarget
    rest = match[2]
    if upstream.options.encoded_paths:
        rest = _UNWISE.sub(lambda found: f"%{ord(found[0]):02X}", rest)
    if not stays_inside(rest, upstream):
        raise BadTarget
    return rest


def own_host() -> str:
    """Return the host of this site, as browsers send it in `Host`."""
    return urlsplit(options().public_origin).netloc


def stays_inside(rest: str, upstream: Upstream) -> bool:
    """Whether a path below the upstream's base can be read in one way only, and does not leave it."""
    if not _REST.fullmatch(rest):
        return False
    if not upstream.options.encoded_paths:
        return not _TWO_READINGS.search(rest) and _has_plain_segments(rest)
    for _ in range(_MOST_DECODINGS):
        if BACKSLASH_OR_CONTROL.search(rest) or not _has_plain_segments(rest):
            return False
        if (decoded := unquote(rest)) == rest:
            return True
        rest = decoded
    return False


def _has_plain_segments(rest: str) -> bool:
    *folders, last = rest.split("/")
    return not any(map(_leads_astray, folders)) and not (last and _leads_astray(last))


def _leads_astray(segment: str) -> bool:
    """Empty and dot segments; also `..;x`, which some servers take for `..`."""
    return unquote(segment).partition(";")[0] in ("", ".", "..")

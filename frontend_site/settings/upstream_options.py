"""Parses the options of an upstream: `+option=value` after its address, several values separated by `|`."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from gatehouse.kinds import duration

_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}\*?", re.ASCII)
# Gatehouse decides about these itself, so no option passes them on, in either direction.
_NEVER = (
    # credentials, and who the user is, by the names that apps and proxies use
    "Authorization", "Authentication-*", "WWW-Authenticate", "Cookie*", "Set-Cookie*", "X-CSRF-Token",
    "Remote-*", "X-Remote-*", "WebAuth-*", "X-WebAuth-*", "Authentik-*", "X-Authentik-*", "Auth-Request-*",
    "X-Auth-Request-*", "Gatehouse-*", "X-Gatehouse-*",
    # where the request came from, and for which host, path and method
    "Host", "X-Host", "Forwarded*", "X-Forwarded*", "X-Real-IP", "Via", "Client-IP", "X-Client-IP", "X-Cluster-Client-IP",
    "True-Client-IP", "CF-Connecting-IP", "X-Originating-IP", "X-Request-Id", "X-Original-*", "X-Rewrite-*",
    "X-HTTP-Method*", "X-Method-Override", "Destination", "traceparent", "tracestate", "Translate",
    # what a proxy obeys
    "X-Accel-*", "X-Sendfile*", "X-LIGHTTPD-*", "X-Reproxy-*", "Surrogate-*", "Date", "Server",
    # one hop and framing (RFC 9110, 7.6.1; RFC 9112, 6)
    "Connection", "Content-Length", "Expect", "HTTP2-Settings", "Keep-Alive", "Max-Forwards", "Proxy-*", "TE",
    "Trailer", "Transfer-Encoding", "Upgrade",
    # what a browser obeys, beyond the answer
    "Accept-CH", "Access-Control-*", "Alt-Svc", "Cache-Control", "CDN-*", "Clear-Site-Data", "Content-Security-Policy*",
    "Critical-CH", "Cross-Origin-*", "Document-Policy*", "Document-Isolation-Policy*", "Expect-CT",
    "Feature-Policy", "Integrity-Policy*", "Location", "NEL", "Observe-Browsing-Topics", "Origin-Agent-Cluster",
    "Origin-Trial", "Permissions-Policy*", "Pragma", "Public-Key-Pins*", "Referrer-Policy", "Refresh",
    "Report-To", "Reporting-Endpoints", "Require-Document-Policy", "Sec-*", "Service-Worker-*", "Set-Login", "Speculation-Rules",
    "Strict-Transport-Security", "Supports-Loading-Mode", "Timing-Allow-Origin", "X-Content-Security-Policy*", "X-Content-Type-Options", "X-DNS-Prefetch-Control",
    "X-Frame-Options", "X-Permitted-Cross-Domain-Policies", "X-UA-Compatible", "X-WebKit-CSP",
    "X-XSS-Protection",
)  # fmt: skip
# RFC 4918; REPORT (RFC 3253), MKCALENDAR (RFC 4791), SEARCH (RFC 5323)
_WEBDAV = frozenset({
    "OPTIONS", "PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "REPORT", "MKCALENDAR", "SEARCH",
})  # fmt: skip
_SILENCE = duration("1s", "1d")


@dataclass(frozen=True)
class UpstreamOptions:
    """What differs from one upstream to another (docs/how-to/upstreams.md).

    `request_headers` and `answer_headers` are in lower case and may end in `*`. `silence` in seconds;
    None for GATEHOUSE_UPSTREAM_SILENCE.
    """

    request_headers: frozenset[str] = frozenset()
    answer_headers: frozenset[str] = frozenset()
    methods: frozenset[str] = frozenset()
    public_host: bool = False
    any_redirect: bool = False
    encoded_paths: bool = False
    websocket: bool = False
    silence: int | None = None


def parse_options(items: list[str]) -> UpstreamOptions:
    """Return what `option=value` items say. Raises ValueError, which says what must change."""
    found = UpstreamOptions()
    seen: set[str] = set()
    for item in items:
        option, _, value = item.partition("=")
        if option not in _READERS:
            raise ValueError(f"has an unknown option {option[:40]!r}; use {', '.join(_READERS)}")
        if option in seen:
            raise ValueError(f"has the option {option} twice; keep one")
        seen.add(option)
        found = _READERS[option](found, value)
    return found


def matches(name: str, patterns: frozenset[str]) -> bool:
    """Whether a header's name, in lower case, is one of `patterns`."""
    return name in patterns or any(p[-1] == "*" and name.startswith(p[:-1]) for p in patterns)


def _request_headers(found: UpstreamOptions, value: str) -> UpstreamOptions:
    return replace(found, request_headers=_headers("request_headers", value))


def _answer_headers(found: UpstreamOptions, value: str) -> UpstreamOptions:
    return replace(found, answer_headers=_headers("answer_headers", value))


def _headers(option: str, value: str) -> frozenset[str]:
    names = value.split("|")
    for name in names:
        if not _HEADER.fullmatch(name):
            raise ValueError(f"must have names of headers in {option}, such as X-Tenant|Tus-*")
        if any(_overlap(name.lower(), never.lower()) for never in _NEVER):
            raise ValueError(
                f"must not have {name} in {option}, since Gatehouse sets, translates or removes it; take it out"
            )
    return frozenset(name.lower() for name in names)


def _overlap(one: str, other: str) -> bool:
    """Whether a name could match both; each may end in `*`."""
    stem, other_stem = one.removesuffix("*"), other.removesuffix("*")
    return (
        one == other
        or (one != stem and other_stem.startswith(stem))
        or (other != other_stem and stem.startswith(other_stem))
    )


def _methods(found: UpstreamOptions, value: str) -> UpstreamOptions:
    names = frozenset(value.split("|"))
    if not names <= _WEBDAV | {"webdav"}:
        raise ValueError(f"must have methods of {'|'.join(sorted(_WEBDAV))} in methods, or webdav")
    return replace(found, methods=_WEBDAV if "webdav" in names else names)


def _host(found: UpstreamOptions, value: str) -> UpstreamOptions:
    _expect("host", value, "public")
    return replace(found, public_host=True)


def _redirects(found: UpstreamOptions, value: str) -> UpstreamOptions:
    _expect("redirects", value, "any")
    return replace(found, any_redirect=True)


def _paths(found: UpstreamOptions, value: str) -> UpstreamOptions:
    _expect("paths", value, "encoded")
    return replace(found, encoded_paths=True)


def _websocket(found: UpstreamOptions, value: str) -> UpstreamOptions:
    _expect("websocket", value, "yes")
    return replace(found, websocket=True)


def _expect(option: str, value: str, only: str) -> None:
    if value != only:
        raise ValueError(f"must have {option}={only}, or no option {option}")


def _silence(found: UpstreamOptions, value: str) -> UpstreamOptions:
    try:
        return replace(found, silence=_SILENCE.parse(value))
    except ValueError:
        raise ValueError(f"must have {_SILENCE.words} in silence") from None


_READERS: dict[str, Callable[[UpstreamOptions, str], UpstreamOptions]] = {
    "request_headers": _request_headers,
    "answer_headers": _answer_headers,
    "host": _host,
    "redirects": _redirects,
    "paths": _paths,
    "methods": _methods,
    "silence": _silence,
    "websocket": _websocket,
}

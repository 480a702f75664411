"""Which headers an upstream's options may pass on: all that Gatehouse does not control itself."""

import re
from dataclasses import dataclass

from frontend_site.settings.identity_claims import IDENTITY_HEADERS

_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}\*?", re.ASCII)
# Gatehouse controls these itself, so no option passes them on, in either direction.
_NEVER = (
    # credentials, and who the user is: the names that forward auth refuses, and those of other proxies
    *IDENTITY_HEADERS,
    "Authorization", "Authentication-*", "WWW-Authenticate", "Cookie*", "Set-Cookie*", "X-CSRF-Token", "X-User", "X-User-*", "X-Username", "X-Email", "X-Groups", "X-Auth-*",
    "X-Authenticated-*", "X-Authorization*", "Cf-Access-*", "X-Goog-*", "X-Amzn-Oidc-*", "X-MS-Client-Principal*",
    "Tailscale-*", "X-Consumer-*", "X-Credential-*", "X-Pomerium-*", "X-Vouch-*", "Oidc-*", "X-Oidc-*", "X-Grafana-*",
    "SSL-*", "X-SSL-*", "Client-Cert*", "X-Client-Cert*",
    # where the request came from, and for which host, path and method
    "Host", "X-Host", "Forwarded*", "X-Forwarded*", "X-Real-IP", "Via", "Client-IP", "X-Client-IP",
    "X-Cluster-Client-IP", "True-Client-IP", "CF-Connecting-IP", "X-Originating-IP", "X-Request-Id", "X-Original-*", "X-Rewrite-*",
    "Fly-*", "Fastly-*", "X-Azure-*", "X-Scheme", "X-Url-Scheme", "X-Script-Name",
    "X-HTTP-Method*", "X-Method-Override", "Destination", "traceparent", "tracestate", "Translate",
    # what a proxy obeys
    "X-Accel-*", "X-Sendfile*", "X-LIGHTTPD-*", "X-Reproxy-*", "Surrogate-*", "Date", "Server",
    # one hop and framing (RFC 9110, 7.6.1; RFC 9112, 6)
    "Connection", "Content-Length", "Expect", "HTTP2-Settings", "Keep-Alive", "Max-Forwards", "Proxy-*", "TE",
    "Trailer", "Transfer-Encoding", "Upgrade",
    # what a browser obeys, beyond the answer
    "Accept-CH", "Access-Control-*", "Alt-Svc", "Cache-Control", "CDN-*", "Clear-Site-Data", "Content-Security-Policy*",
    "Activate-Storage-Access", "Critical-CH", "Cross-Origin-*", "Document-Policy*", "Document-Isolation-Policy*", "Expect-CT",
    "Feature-Policy", "Login-Status", "No-Vary-Search", "Use-As-Dictionary", "Secure-Session-*", "Integrity-Policy*", "Location", "NEL", "Observe-Browsing-Topics", "Origin-Agent-Cluster",
    "Origin-Trial", "Permissions-Policy*", "Pragma", "Public-Key-Pins*", "Referrer-Policy", "Refresh",
    "Report-To", "Reporting-Endpoints", "Require-Document-Policy", "Sec-*", "Service-Worker-*", "Set-Login",
    "Speculation-Rules", "Strict-Transport-Security", "Supports-Loading-Mode", "Timing-Allow-Origin",
    "X-Content-Security-Policy*", "X-Content-Type-Options", "X-DNS-Prefetch-Control", "X-Frame-Options",
    "X-Permitted-Cross-Domain-Policies", "X-UA-Compatible", "X-WebKit-CSP", "X-XSS-Protection",
)  # fmt: skip


def parse_headers(option: str, value: str) -> frozenset[str]:
    """Return the names in an option's value, in lower case; each may end in `*`. Raises ValueError."""
    names = value.split("|")
    for name in names:
        if not _HEADER.fullmatch(name):
            raise ValueError(f"must list header names in {option}, such as X-Tenant|Tus-*")
        if any(_overlap(name.lower(), never.lower()) for never in _NEVER):
            raise ValueError(
                f"must not list {name} in {option}, because Gatehouse sets, translates or removes this header; remove it"
            )
    return frozenset(name.lower() for name in names)


@dataclass(frozen=True)
class Patterns:
    """Names of headers in lower case, and beginnings of others: the result of `parse_headers`, prepared for look-ups."""

    names: frozenset[str]
    beginnings: tuple[str, ...]

    @classmethod
    def of(cls, *patterns: str) -> "Patterns":
        """Sort `patterns`, names of headers of which some end in `*`, into the two kinds."""
        begun = tuple(sorted(name[:-1] for name in patterns if name.endswith("*")))
        return cls(frozenset(name for name in patterns if not name.endswith("*")), begun)

    def match(self, name: str) -> bool:
        """Whether a header's name, in lower case, is one of them."""
        return name in self.names or name.startswith(self.beginnings)


def _overlap(one: str, other: str) -> bool:
    """Whether a name could match both; each may end in `*`."""
    stem, other_stem = one.removesuffix("*"), other.removesuffix("*")
    return (
        one == other
        or (one != stem and other_stem.startswith(stem))
        or (other != other_stem and stem.startswith(other_stem))
    )

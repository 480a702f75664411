"""Parses GATEHOUSE_UPSTREAMS: the names and addresses of services behind the site."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from frontend_site.settings.upstream_options import UpstreamOptions, parse_options
from frontend_site.transport.server import Server
from gatehouse.default_ports import DEFAULT_PORTS

NAME = "[a-z][a-z0-9-]{0,30}"  # also an audience of identity tokens
DEFAULT_AUDIENCE = "forward-auth"  # of identity tokens for apps behind forward auth
_RESERVED = frozenset({"auth", DEFAULT_AUDIENCE})
_NO_OPTIONS = UpstreamOptions()
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+(%[A-Za-z0-9]+)?", re.ASCII)
_BASE = re.compile(r"(/[A-Za-z0-9._~-]+)*", re.ASCII)


@dataclass(frozen=True)
class Upstream:
    """One service: `/api/<name>/x` is `<scheme>://<host>:<port><base>/x` there.

    `options` are what its item says besides.
    """

    name: str
    scheme: str
    host: str
    port: int
    base: str
    options: UpstreamOptions = _NO_OPTIONS

    @property
    def server(self) -> Server:
        """Where connections to it go."""
        return Server(self.scheme, self.host, self.port)


def parse_upstreams(items: list[str]) -> tuple[Upstream, ...]:
    """Return what `name=http://host:port/base+option=value` items name. Raises ImproperlyConfigured."""
    found = tuple(map(_parse, items))
    if len({upstream.name for upstream in found}) != len(items):
        raise ImproperlyConfigured(
            "GATEHOUSE_UPSTREAMS has the same name twice. Give each upstream a name of its own."
        )
    return found


def _parse(item: str) -> Upstream:
    name, equals, rest = item.partition("=")
    url, *extras = rest.split("+")
    try:
        parts = urlsplit(url)
        port = parts.port or DEFAULT_PORTS[parts.scheme]
    except (ValueError, KeyError):
        raise _refused(name, "must have an http:// or https:// address") from None
    base = parts.path.rstrip("/")
    if not equals or not re.fullmatch(NAME, name, re.ASCII) or name in _RESERVED:
        raise _refused(name, f"must match {NAME}; {' and '.join(sorted(_RESERVED))} are reserved")
    host = parts.hostname or ""
    if not _HOST.fullmatch(host) or parts.username or parts.query or parts.fragment:
        raise _refused(name, "must have a host, and no user, query or fragment")
    if not _BASE.fullmatch(base) or {".", ".."} & set(base.split("/")):
        raise _refused(name, "must have a plain path, without escapes or dots")
    try:
        options = parse_options(extras)
    except ValueError as error:
        raise _refused(name, str(error)) from None
    return Upstream(name, parts.scheme, host, port, base, options=options)


def _refused(name: str, why: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"GATEHOUSE_UPSTREAMS: {name[:40]!r} {why}.")

"""Parses GATEHOUSE_UPSTREAMS: the names and addresses of services behind the site."""

import re
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from frontend_site.settings.upstream_options import UpstreamOptions, parse_options
from frontend_site.transport.server import Server
from gatehouse.default_ports import DEFAULT_PORTS

NAME = "[a-z][a-z0-9-]{0,30}"  # also an audience of identity tokens
DEFAULT_AUDIENCE = "forward-auth"  # of identity tokens for apps behind forward auth
_RESERVED = frozenset({"auth", DEFAULT_AUDIENCE})
_COOKIE = re.compile(r"(?!__)[A-Za-z0-9_.-]{1,64}", re.ASCII)  # ours start with __
CLAIMS = ("email", "name", "groups")  # of the user, in identity tokens
_NO_OPTIONS = UpstreamOptions()
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+(%[A-Za-z0-9]+)?", re.ASCII)
_BASE = re.compile(r"(/[A-Za-z0-9._~-]+)*", re.ASCII)


@dataclass(frozen=True)
class Upstream:
    """One service: `/api/<name>/x` is `<scheme>://<host>:<port><base>/x` there.

    `cookies` are the names of its cookies that may pass, both ways; `claims` what its identity
    tokens contain about the user, beside the id; `options` what else its item says.
    """

    name: str
    scheme: str
    host: str
    port: int
    base: str
    cookies: frozenset[str] = frozenset()
    claims: frozenset[str] = frozenset()
    options: UpstreamOptions = _NO_OPTIONS

    @property
    def server(self) -> Server:
        return Server(self.scheme, self.host, self.port)


def parse_upstreams(
    items: list[str], cookies: list[str], claims: list[str] | None = None
) -> tuple[Upstream, ...]:
    """Return what `name=http://host:port/base+option=value` items name.

    `cookies` are `name:cookie` items, `claims` `name:claim` items. Raises ImproperlyConfigured.
    """
    found = {upstream.name: upstream for upstream in map(_parse, items)}
    if len(found) != len(items):
        raise ImproperlyConfigured(
            "GATEHOUSE_UPSTREAMS has the same name twice. Give each upstream a name of its own."
        )
    for item in cookies:
        name, _, cookie = item.partition(":")
        if name not in found or not _COOKIE.fullmatch(cookie):
            raise ImproperlyConfigured(
                "GATEHOUSE_UPSTREAM_COOKIES must be name:cookie items, separated by commas, with names from "
                f"GATEHOUSE_UPSTREAMS. Correct {item[:40]!r}."
            )
        found[name] = replace(found[name], cookies=found[name].cookies | {cookie})
    for item in claims or []:
        name, _, claim = item.partition(":")
        if name not in found or claim not in CLAIMS:
            raise ImproperlyConfigured(
                "GATEHOUSE_UPSTREAM_CLAIMS must be name:claim items, separated by commas, with names from "
                f"GATEHOUSE_UPSTREAMS and the claims {', '.join(CLAIMS)}. Correct {item[:40]!r}."
            )
        found[name] = replace(found[name], claims=found[name].claims | {claim})
    return tuple(found.values())


def _parse(item: str) -> Upstream:
    name, equals, said = item.partition("=")
    url, *extras = said.split("+")
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

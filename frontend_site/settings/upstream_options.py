"""Parses the options of an upstream: `+option=value` after its address, several values separated by `|`."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from frontend_site.settings.levels import AAL1, parse_level
from frontend_site.settings.passed_headers import parse_headers
from gatehouse.kinds import duration

# RFC 4918; REPORT (RFC 3253), MKCALENDAR (RFC 4791), SEARCH (RFC 5323)
_WEBDAV = frozenset({
    "OPTIONS", "PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "REPORT", "MKCALENDAR", "SEARCH",
})  # fmt: skip
_SILENCE = duration("1s", "1d")
_COOKIE = re.compile(r"(?!__)[A-Za-z0-9_.-]{1,64}", re.ASCII)  # ours start with __
CLAIMS = ("email", "name", "groups")  # of the user, in identity tokens


@dataclass(frozen=True)
class UpstreamOptions:
    """What differs from one upstream to another (docs/how-to/upstreams.md).

    `request_headers` and `answer_headers` are in lower case and may end in `*`. `cookies` are the names of
    the service's cookies that may pass, both ways; `claims`, from CLAIMS, what its identity tokens contain
    about the user, beside the id. `silence` in seconds; None for GATEHOUSE_UPSTREAM_SILENCE. `level` is
    what a session needs.
    """

    request_headers: frozenset[str] = frozenset()
    answer_headers: frozenset[str] = frozenset()
    cookies: frozenset[str] = frozenset()
    claims: frozenset[str] = frozenset()
    methods: frozenset[str] = frozenset()
    public_host: bool = False
    any_redirect: bool = False
    encoded_paths: bool = False
    websocket: bool = False
    silence: int | None = None
    level: str = AAL1


def parse_options(items: list[str]) -> UpstreamOptions:
    """Parse `option=value` items. Raises ValueError, which says what to change."""
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


def _request_headers(found: UpstreamOptions, value: str) -> UpstreamOptions:
    return replace(found, request_headers=parse_headers("request_headers", value))


def _answer_headers(found: UpstreamOptions, value: str) -> UpstreamOptions:
    return replace(found, answer_headers=parse_headers("answer_headers", value))


def _cookies(found: UpstreamOptions, value: str) -> UpstreamOptions:
    names = frozenset(value.split("|"))
    if not all(map(_COOKIE.fullmatch, names)):
        raise ValueError("must set cookies to names of cookies that do not start with __")
    return replace(found, cookies=names)


def _claims(found: UpstreamOptions, value: str) -> UpstreamOptions:
    names = frozenset(value.split("|"))
    if not names <= set(CLAIMS):
        raise ValueError(f"must set claims to some of {'|'.join(CLAIMS)}")
    return replace(found, claims=names)


def _methods(found: UpstreamOptions, value: str) -> UpstreamOptions:
    names = frozenset(value.split("|"))
    if not names <= _WEBDAV | {"webdav"}:
        raise ValueError(f"must set methods to webdav, or to some of {'|'.join(sorted(_WEBDAV))}")
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
        raise ValueError(f"must set {option} to {only}, or leave this option out")


def _silence(found: UpstreamOptions, value: str) -> UpstreamOptions:
    try:
        return replace(found, silence=_SILENCE.parse(value))
    except ValueError:
        raise ValueError(f"must set silence to {_SILENCE.words}") from None


def _level(found: UpstreamOptions, value: str) -> UpstreamOptions:
    return replace(found, level=parse_level(value))


_READERS: dict[str, Callable[[UpstreamOptions, str], UpstreamOptions]] = {
    "request_headers": _request_headers,
    "answer_headers": _answer_headers,
    "cookies": _cookies,
    "claims": _claims,
    "host": _host,
    "redirects": _redirects,
    "paths": _paths,
    "methods": _methods,
    "silence": _silence,
    "websocket": _websocket,
    "level": _level,
}

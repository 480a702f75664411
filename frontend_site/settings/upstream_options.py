"""Parses the options of an upstream: `+option=value` after its address, several values separated by `|`."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

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
    found: dict[str, Any] = {}
    for item in items:
        option, _, value = item.partition("=")
        if option not in _OPTIONS:
            raise ValueError(f"has an unknown option {option[:40]!r}; use {', '.join(_OPTIONS)}")
        field, parse = _OPTIONS[option]
        if field in found:
            raise ValueError(f"has the option {option} twice; keep one")
        found[field] = parse(value)
    return UpstreamOptions(**found)


def _cookies(value: str) -> frozenset[str]:
    names = frozenset(value.split("|"))
    if not all(map(_COOKIE.fullmatch, names)):
        raise ValueError("must set cookies to names of cookies that do not start with __")
    return names


def _claims(value: str) -> frozenset[str]:
    names = frozenset(value.split("|"))
    if not names <= set(CLAIMS):
        raise ValueError(f"must set claims to some of {'|'.join(CLAIMS)}")
    return names


def _methods(value: str) -> frozenset[str]:
    names = frozenset(value.split("|"))
    if not names <= _WEBDAV | {"webdav"}:
        raise ValueError(f"must set methods to webdav, or to some of {'|'.join(sorted(_WEBDAV))}")
    return _WEBDAV if "webdav" in names else names


def _silence(value: str) -> int:
    try:
        return _SILENCE.parse(value)
    except ValueError:
        raise ValueError(f"must set silence to {_SILENCE.words}") from None


def _only(option: str, word: str) -> Callable[[str], bool]:
    """Return what reads an option that has one value."""

    def parse(value: str) -> bool:
        if value != word:
            raise ValueError(f"must set {option} to {word}, or leave this option out")
        return True

    return parse


# For each option, the field that it sets and the function that reads its value.
_OPTIONS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "request_headers": ("request_headers", partial(parse_headers, "request_headers")),
    "answer_headers": ("answer_headers", partial(parse_headers, "answer_headers")),
    "cookies": ("cookies", _cookies),
    "claims": ("claims", _claims),
    "host": ("public_host", _only("host", "public")),
    "redirects": ("any_redirect", _only("redirects", "any")),
    "paths": ("encoded_paths", _only("paths", "encoded")),
    "methods": ("methods", _methods),
    "silence": ("silence", _silence),
    "websocket": ("websocket", _only("websocket", "yes")),
    "level": ("level", parse_level),
}

"""Decides by GATEHOUSE_ACCESS_RULES who may open a path of an app or an upstream.

The proxy, the app and we may read one path in several ways (`//`, `%2e%2e`, `..;`, upper case). So a
path is taken in every way that is known, and each of them must be open: no spelling of one app's path
is let through by the rule of another. A path without a rule is refused.
"""

import re
import unicodedata
from collections.abc import Collection, Sequence
from posixpath import normpath
from urllib.parse import unquote

import structlog

from frontend_site.options import options
from frontend_site.settings.access_rules import AccessRule

from .levels import highest

_log = structlog.get_logger("frontend_site")
_NO_RULE = "GATEHOUSE_ACCESS_RULES has no rule for this path, so nobody may open it. Add one."
# Nothing in it can be read in two ways.
_PLAIN = re.compile(
    r"(?:/(?!\.)[A-Za-z0-9_~.!$&'()*+,=:@-]*[A-Za-z0-9_~!$&'()*+,=:@-])*/?", re.ASCII
)
_RAW = re.compile(r"/(?:[!-\"$&-~]|%[0-9A-Fa-f]{2})*", re.ASCII)  # no `#`, no blank, no lone `%`
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
_MOST = 256  # readings, for one path
_LONGEST = 65_536  # characters, of all readings together


class UnclearPath(ValueError):
    """There are too many ways to read the path, or it is none."""


def rules_for(path: str, *, with_below: bool = False) -> list[AccessRule] | None:
    """Return the rules that must all allow a request for `path`; None if one is missing.

    `path` is as the request line has it, without its query, and begins as its rule is written. For each
    reading, the longest path wins. `with_below`: the request concerns everything below the path, too, and so
    do the rules there.
    """
    rules = options().access_rules
    if not f"{path}/".startswith(tuple([rule.path for rule in rules])):
        return None
    try:
        readings = _readings(path)
    except UnclearPath:
        return None
    found = [_longest(reading, rules) for reading in readings]
    if with_below:
        found += [rule for reading in readings for rule in _below(reading, rules)]
    there = [rule for rule in found if rule is not None]
    return there if len(there) == len(found) else None


def level_to_open(
    path: str, groups: Collection[str], *, user_id: str = "", with_below: bool = False
) -> str | None:
    """Return the level that the session of a user with these groups needs for `path`; None if it is refused.

    `with_below`: and for everything below it, for methods that act on a tree. Logs a refusal of `user_id`.
    """
    rules = rules_for(path, with_below=with_below)
    if rules is not None and all(rule.allows(groups) for rule in rules):
        return highest(rule.level for rule in rules)
    app = "/".join(path[:80].split("/")[:2])  # no more: the rest may be a secret
    hint = {"hint": _NO_RULE} if rules is None else {}
    _log.warning("access.refused", user=user_id, app=app, **hint)
    return None


def _longest(reading: str, rules: Sequence[AccessRule]) -> AccessRule | None:
    """Return the rule for one reading, whatever the case of its letters. `/app` is part of `/app/`."""
    place = f"{reading}/".lower()
    matching = [rule for rule in rules if place.startswith(rule.path.lower())]
    return max(matching, key=lambda rule: len(rule.path), default=None)


def _below(reading: str, rules: Sequence[AccessRule]) -> list[AccessRule]:
    place = f"{reading.rstrip('/')}/".lower()
    return [rule for rule in rules if rule.path.lower().startswith(place)]


def _readings(path: str) -> Collection[str]:
    """Return every way in which a proxy or an app may read `path`. Raises UnclearPath."""
    if _PLAIN.fullmatch(path):
        return {path}
    if not _RAW.fullmatch(path):
        raise UnclearPath
    found: set[str] = set()
    new = {path}
    while new:
        found |= new
        if len(found) > _MOST or sum(map(len, found)) > _LONGEST:
            raise UnclearPath
        new = {step(reading) for reading in new for step in _STEPS} - found
    return found


def _decoded(path: str) -> str:
    try:
        text = unquote(path, errors="strict")
    except UnicodeDecodeError:
        raise UnclearPath from None
    if _CONTROLS.search(text):
        raise UnclearPath
    return text


def _folded(path: str) -> str:
    return unicodedata.normalize("NFKC", path).casefold()


def _slashes(path: str) -> str:
    return path.replace("\\", "/")


def _merged(path: str) -> str:
    return re.sub("/{2,}", "/", path)


def _without_dots(path: str) -> str:
    """As normpath, which also merges slashes; a trailing slash stays."""
    end = "/" if path.endswith(("/", "/.", "/..")) else ""
    return _merged(f"/{normpath(path).lstrip('/')}{end}")


def _dots_by_rfc(path: str) -> str:
    """Dot segments removed by RFC 3986, 5.2.4, which takes an empty segment for one."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    return "/" + "/".join([*kept, *([""] if segments[-1] in (".", "..") else [])])


def _without_parameters(path: str) -> str:
    """As servlet containers read it: `/a;x/b` is `/a/b`."""
    return re.sub(";[^/]*", "", path)


def _without_semicolons(path: str) -> str:
    """As a filter that removes the character only: `/;a` is `/a`."""
    return path.replace(";", "")


def _as_file_names(path: str) -> str:
    """As Windows opens it: dots and blanks at the end of a name do not count."""
    return re.sub(r"(?<=[^/. ])[. ]+(?=/|\Z)", "", path)


def _cut(path: str) -> str:
    """As who decodes first and then looks for a query."""
    return re.split("[?#]", path, maxsplit=1)[0] or "/"


_STEPS = (
    _decoded, _folded, _slashes, _merged, _without_dots, _dots_by_rfc, _without_parameters,
    _without_semicolons, _as_file_names, _cut,
)  # fmt: skip

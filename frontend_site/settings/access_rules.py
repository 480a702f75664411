"""Parses GATEHOUSE_ACCESS_RULES: who may open which app behind forward auth, and which upstream.

A rule is `/path/=who`, and `who` one or more of `signed-in` and `group:NAME`, separated by `|`. Options
follow, each after a `+`: `click` and `level=aal2`.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from frontend_site.settings.levels import AAL1, parse_level
from frontend_site.settings.upstreams import Upstream

_PATH = re.compile(r"(/[A-Za-z0-9_~-]+)+/", re.ASCII)
_GROUP = re.compile(r"group:([\w.@ -]{1,150})")
_OWN = ("/api/auth/", "/auth/", "/login/", "/account/", "/static/")  # rules do not apply to these


@dataclass(frozen=True)
class AccessRule:
    """Who may open what is below `path`: everybody who is signed in, or the members of one of `groups`.

    `click`: a link from elsewhere needs a click (docs/how-to/forward-auth.md). `level` is what their session
    needs.
    """

    path: str
    groups: frozenset[str] = frozenset()  # empty: everybody who is signed in
    click: bool = False
    level: str = AAL1

    @property
    def is_upstream(self) -> bool:
        """Whether it is about upstreams, not about an app behind forward auth."""
        return self.path.lower().startswith("/api/")

    def allows(self, groups: Collection[str]) -> bool:
        """Whether it lets in a signed-in user with these groups."""
        return not self.groups or not self.groups.isdisjoint(groups)


def parse_access_rules(items: list[str], upstreams: tuple[Upstream, ...]) -> tuple[AccessRule, ...]:
    """Return the rules, in the order of the setting. Raises ImproperlyConfigured."""
    rules = tuple(map(_parse, items))
    folded = [rule.path.lower() for rule in rules]
    for rule in rules:
        if folded.count(rule.path.lower()) > 1:
            raise _refused(
                rule.path,
                "has two rules, since paths are compared without regard to case. Keep one",
            )
        if rule.is_upstream and not any(_concerns(rule, upstream) for upstream in upstreams):
            raise _refused(rule.path, "must contain a name from GATEHOUSE_UPSTREAMS: /api/NAME/")
    for upstream in upstreams:
        if not any(_concerns(rule, upstream) for rule in rules):
            raise _refused(
                f"/api/{upstream.name}/",
                f"has no rule. Add /api/{upstream.name}/=signed-in, or =group:NAME",
            )
    return rules


def _concerns(rule: AccessRule, upstream: Upstream) -> bool:
    path = f"/api/{upstream.name}/"
    return rule.path.startswith(path) or (rule.is_upstream and path.startswith(rule.path))


def _parse(item: str) -> AccessRule:
    path, equals, rest = item.partition("=")
    if not equals or not _PATH.fullmatch(path):
        raise _refused(item, "must be a path such as /app/, followed by = and who may open it")
    if path.lower().startswith(_OWN):
        raise _refused(
            path, "belongs to Gatehouse itself, so a rule has no effect on it. Remove the rule"
        )
    who, *extras = rest.split("+")
    options = _options(item, extras)
    if "click" in options and path.lower().startswith("/api/"):
        raise _refused(item, "must not have +click, which is for apps behind forward auth")
    return AccessRule(path, _groups(item, who.split("|")), **options)


def _options(item: str, extras: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for extra in extras:
        name, equals, value = extra.partition("=")
        if name in found:
            raise _refused(item, f"has the option {name} twice. Keep one")
        if extra == "click":
            found[name] = True
        elif name == "level" and equals:
            found[name] = _level(item, value)
        else:
            raise _refused(item, "has an unknown option. There are +click and +level=aal2")
    return found


def _level(item: str, value: str) -> str:
    try:
        return parse_level(value)
    except ValueError as error:
        raise _refused(item, str(error)) from None


def _groups(item: str, words: list[str]) -> frozenset[str]:
    if words == ["signed-in"]:
        return frozenset()
    found = [_GROUP.fullmatch(word) for word in words]
    names = [match[1] for match in found if match and match[1] == match[1].strip()]
    if len(names) != len(words):
        raise _refused(item, "must give access to signed-in or to group:NAME|group:OTHER")
    return frozenset(names)


def _refused(what: str, why: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"GATEHOUSE_ACCESS_RULES: {what[:60]!r} {why}.")

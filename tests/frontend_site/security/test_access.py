"""Who may open a path: no spelling of one app's path is let through by the rule of another."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontend_site.security.access import level_to_open, rules_for
from frontend_site.settings.access_rules import parse_access_rules

RULES = [
    "/wiki/=signed-in",
    "/jupyter/=group:ops",
    "/git/=group:dev|group:ops",
    "/wiki/Admin/=group:ops",
]
RULES += ["/Shop/=signed-in"]


@pytest.fixture(autouse=True)
def _rules(options: Any) -> None:
    options(access_rules=parse_access_rules(RULES, ()))


@pytest.mark.parametrize(
    ("path", "nobody", "dev", "ops"),
    [
        ("/wiki/", True, True, True),
        ("/wiki", True, True, True),
        ("/wiki/page", True, True, True),
        ("/wiki/Admin/users", False, False, True),  # the longest path wins
        ("/wiki/Admin", False, False, True),
        ("/wiki/Administration", True, True, True),
        ("/jupyter/api/terminals", False, False, True),
        ("/git/x.git", False, True, True),
        ("/Shop/basket", True, True, True),
    ],
)
def test_a_rule_says_who(path: str, nobody: bool, dev: bool, ops: bool) -> None:
    for groups, expected in (((), nobody), (("dev",), dev), (("ops", "x"), ops)):
        assert (level_to_open(path, groups) is not None) is expected
    assert (
        level_to_open(path, ("Ops", "op", "ops ")) is not None
    ) is nobody  # a group's name counts as it is


@pytest.mark.parametrize(
    "path", ["/", "", "/other/", "/wikis/", "/wik", "x/wiki/", "http://h/wiki/"]
)
def test_what_no_rule_opens_is_shut(path: str) -> None:
    assert rules_for(path) is None
    assert not level_to_open(path, ("dev", "ops"))


# Paths that some proxy or app reads as one of /jupyter/ or of /wiki/Admin/, though they begin otherwise.
DODGES = [
    "/wiki/../jupyter/api", "/wiki/%2e%2e/jupyter/api", "/wiki/.%2E/jupyter/api", "/wiki/%2e%2e%2fjupyter/api",
    "/wiki/..%2fjupyter/api", "/wiki/..%5cjupyter/api", "/wiki/..\\jupyter/api", "/wiki/%252e%252e/jupyter/api",
    "/wiki/%25252e%25252e%25252fjupyter/api", "/wiki/..;/jupyter/api", "/wiki/..;a=b/jupyter/api",
    "/wiki/%2e%2e%3b/jupyter/api", "/wiki/x/../../jupyter/api", "/wiki//../jupyter/api", "/wiki/x//../../jupyter/api",
    "/wiki/./../jupyter/api", "/wiki/%2f..%2f..%2fjupyter/api", "/wiki/\uff0e\uff0e/jupyter/api",
    "/wiki/%EF%BC%8E%EF%BC%8E/jupyter/api", "/wiki/%EF%BC%8E%EF%BC%8E%EF%BC%8Fjupyter/api",
    "/wiki/admin/users", "/wiki/ADMIN/users", "/wiki/%41dmin/users", "/wiki/%61dmin/users", "/wiki//Admin/users",
    "/wiki/./Admin/users", "/wiki/x/../Admin/users", "/wiki/%2fAdmin/users", "/wiki/%2FAdmin%2Fusers",
    "/wiki/;x/Admin/users", "/wiki/Admin;x/users", "/wiki/Admin%3bx/users", "/wiki/;/admin/users", "/wiki/Admin%2e/users",
    "/wiki/Admin./users", "/wiki/Admin%20/users", "/wiki/Admin%20%2e/users", "/wiki/\\Admin\\users", "/wiki/%5CAdmin/users",
    "/wiki/Admin%3fx", "/wiki/Admin%23x", "/wiki/Admin%3f/../x", "/wiki/%EF%BD%81dmin/users", "/wiki/adm%C4%B1n/../Admin/x",
    "/wiki;x/Admin/users", "//wiki/Admin/users", "/./wiki/Admin/users", "/x/../wiki/Admin/users", "/wiki/%c0%ae%c0%ae/jupyter/",
    "/wiki/%00/../jupyter/", "/wiki/Admin%00/users", "/wiki/%0a../jupyter/", "/wiki/%zz/../jupyter/", "/wiki/%",
    "/wiki/#/../jupyter/", "/wiki/ /../jupyter", "/WIKI/page", "/shop/basket", "/Wiki/Admin/", "/wiki/%u002e%u002e/jupyter/",
]  # fmt: skip


@pytest.mark.parametrize("path", DODGES)
def test_no_spelling_dodges_a_rule(path: str) -> None:
    assert not level_to_open(path, ())
    assert not level_to_open(path, ("dev",))


@pytest.mark.parametrize(
    "path",
    [
        "/wiki/a%2Fb", "/wiki/100%25", "/wiki/a//b", "/wiki/filter[x]", "/wiki/@scope%2fname", "/wiki/x;y=1/z",
        "/wiki/J%C3%B6rg/Stra%C3%9Fe.txt", "/wiki/%E4%BD%A0%E5%A5%BD", "/wiki/a/../b", "/wiki/.well-known/x",
        "/wiki/a%20b/c.%20d", "/wiki/Page/Of/Mixed/Case", "/wiki/a|b", "/wiki/%3Cx%3E", "/wiki/a...b/..c/d..",
    ],
)  # fmt: skip
def test_what_can_be_read_in_several_ways_passes_if_each_is_open(path: str) -> None:
    assert level_to_open(path, ())


def test_a_path_of_endless_readings_is_shut() -> None:
    assert not level_to_open("/wiki/%" + "25" * 400 + "2e", ("ops",))


PIECES = [
    "jupyter",
    "Admin",
    "admin",
    "wiki",
    "..",
    ".",
    "/",
    "//",
    "%2f",
    "%2e",
    "%5c",
    ";",
    "%3b",
    "x",
    "%252e",
    "\\",
    "%20",
]


@given(st.lists(st.sampled_from(PIECES), max_size=12))
def test_whoever_decodes_and_normalises_finds_no_shut_place(pieces: list[str]) -> None:
    """Readers of other kinds than ours: each decodes some times, and resolves dots in its own way."""
    from posixpath import normpath
    from urllib.parse import unquote

    from django.conf import settings
    from django.test import override_settings

    path = "/wiki/" + "".join(pieces)

    rules = parse_access_rules(RULES, ())
    with override_settings(GATEHOUSE=replace(settings.GATEHOUSE, access_rules=rules)):
        allowed = level_to_open(path, ())
    text = path
    for _ in range(3):
        for seen in (text, text.replace("\\", "/"), text.replace(";", ""), text.partition(";")[0]):
            place = normpath(seen).lower().lstrip("/") + "/"
            if allowed:
                assert not place.startswith(("jupyter/", "wiki/admin/"))
        text = unquote(text)


@pytest.mark.parametrize(
    "path",
    ["/app/%" + "25" * 4000, "/app/%" + "25" * 250 + "%EF%B7%BA" * 750, "/app/" + "%20" * 2600],
)
def test_a_path_is_not_read_again_and_again(path: str, monkeypatch: Any) -> None:
    """A few accounts could keep a worker busy by paths that have hundreds of long readings."""
    work = []

    def counted(step: Any) -> Any:
        return lambda reading: work.append(len(reading)) or step(reading)

    from frontend_site.security import access

    monkeypatch.setattr(access, "_STEPS", tuple(map(counted, access._STEPS)))
    level_to_open(path, ["ops"])
    assert sum(work) < 1_000_000  # characters

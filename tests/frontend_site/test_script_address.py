"""/gatehouse.js: one address for every version, and types that match the module and the contract."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.frontend_site.browser import Browser
from tests.openapi import DOCUMENT

STATIC = Path(__file__).resolve().parents[2] / "frontend_site" / "static" / "frontend_site"
TYPES = (STATIC / "gatehouse.d.ts").read_text()
HASHED = "/static/frontend_site/gatehouse.0123456789ab.js"


def test_it_exports_the_module_of_the_pages(browser: Browser) -> None:
    answer = browser.get("/gatehouse.js")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer.content == b'export * from "/static/frontend_site/gatehouse.js";\n'


def test_an_update_is_seen_at_once_and_costs_a_304_until_then(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = browser.get("/gatehouse.js")
    assert first["Cache-Control"] == "no-cache"
    again = browser.get("/gatehouse.js", If_None_Match=first["ETag"])
    assert (again.status_code, again.content) == (304, b"")
    assert (again["Cache-Control"], again["ETag"]) == ("no-cache", first["ETag"])
    monkeypatch.setattr("frontend_site.pages.script.static", lambda name: HASHED)
    updated = browser.get("/gatehouse.js", If_None_Match=first["ETag"])
    assert (updated.status_code, updated.content.decode()) == (200, f'export * from "{HASHED}";\n')


def test_the_types_name_what_the_module_exports() -> None:
    exported = r"^export (?:async )?(?:const|class|function) (\w+)"
    module = (STATIC / "gatehouse.js").read_text()
    assert set(re.findall(exported, TYPES, re.M)) == set(re.findall(exported, module, re.M))


def test_the_types_name_the_events_that_are_raised() -> None:
    documented = Path("docs/reference/javascript.md").read_text()
    typed = set(re.findall(r"^  \"?([\w-]+)\"?: CustomEvent", TYPES, re.M))
    assert typed == set(re.findall(r"^\| `([a-z-]+)` \|", documented, re.M))


@pytest.mark.parametrize("name", ["User", "Session", "Current", "Problem"])
def test_the_types_have_the_members_of_the_contract(name: str) -> None:
    schema: dict[str, Any] = DOCUMENT["components"]["schemas"][name]
    typed_name = "ProblemDocument" if name == "Problem" else name
    [body] = re.findall(rf"^export interface {typed_name} {{\n(.*?)^}}", TYPES, re.M | re.S)
    members = dict(re.findall(r"^  (\w+)(\??):", body, re.M))
    assert set(members) == set(schema["properties"])
    assert {member for member, optional in members.items() if not optional} == set(
        schema["required"]
    )

"""Documents: every page is in the navigation, and every link leads somewhere."""

import re
from pathlib import Path

import pytest
import yaml

from script.run_mutants import GROUPS

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
# How many requirements the sections have.
ASVS = {
    "6.1": 3, "6.2": 12, "6.3": 8, "6.4": 6, "6.5": 8, "6.6": 4, "6.7": 2, "6.8": 4,
    "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 3, "7.6": 2,
}  # fmt: skip
LINK = re.compile(r"(?:\]\(|^\[\w+\]: )([^)\s]+)", re.MULTILINE)


def headings(page: Path) -> set[str]:
    """The anchors of a page, as GitHub makes them."""
    found = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


def navigation(entry: object) -> set[str]:
    match entry:
        case str():
            return {entry}
        case dict():
            return set().union(*map(navigation, entry.values()))
        case list():
            return set().union(*map(navigation, entry))
    return set()


def test_the_navigation_has_every_page() -> None:
    nav = yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]
    assert navigation(nav) == {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    dead = []
    for link in LINK.findall(page.read_text()):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        missing = (
            anchor and target.suffix == ".md" and target.exists() and anchor not in headings(target)
        )
        if not target.exists() or missing:
            dead.append(link)
    assert dead == []


NAMED_TEST = re.compile(r"\[`(test_\w+)`\]\(([^)\s#]+\.py)\)")
REFERRED_TEST = re.compile(r"\[`(test_\w+)`\]\[(\w+)\]")
REFERENCE = re.compile(r"^\[(\w+)\]: (\S+)$", re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_named_test_is_there(page: Path) -> None:
    text = page.read_text()
    links = dict(REFERENCE.findall(text))
    named = [(name, links[key]) for name, key in REFERRED_TEST.findall(text)]
    for name, link in [*NAMED_TEST.findall(text), *named]:
        assert f"def {name}(" in (page.parent / link).read_text(), name


def test_every_requirement_has_a_test_or_says_why_not() -> None:
    """Chapters 6 and 7 of ASVS 5.0: 47 and 19 requirements."""
    rows = re.findall(
        r"^\| (\d\.\d+\.\d+) \|(.*)\|$", (DOCS / "reference/asvs.md").read_text(), re.M
    )
    assert [number for number, _ in rows] == [
        f"{part}.{number}" for part, count in ASVS.items() for number in range(1, count + 1)
    ]
    for number, cells in rows:
        test = cells.split("|")[-1].strip()
        assert NAMED_TEST.match(test) or test in ("absent", "not applicable"), number


def test_the_paths_that_code_names_are_there() -> None:
    """Comments and messages send their readers to pages."""
    named = set()
    for folder in ("gatehouse", "auth_api", "frontend_site", "tests", "bench", "script"):
        for file in (ROOT / folder).rglob("*.*"):
            if file.suffix in (".py", ".js", ".lua", ".html"):
                named |= set(re.findall(r"docs/[\w/.-]+\.(?:md|yaml)", file.read_text()))
    assert {name for name in named if not (ROOT / name).exists()} == set()


def test_the_groups_of_mutants_have_sources_and_tests() -> None:
    for name, group in GROUPS.items():
        absent = [path for path in (*group.sources, *group.tests) if not [*ROOT.glob(path)]]
        assert absent == [], name

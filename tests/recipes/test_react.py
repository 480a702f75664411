"""A static React build: deep links lead to its page, and its files come with the user's access only."""

import re
from pathlib import Path

import pytest

from tests.recipes.apps import node_app, page_command, run
from tests.recipes.conftest import Places
from tests.recipes.page import recipes
from tests.recipes.visitor import Visitor


@pytest.fixture(scope="session", autouse=True)
def build(places: Places) -> None:
    mine = places["react"]
    folder = node_app("react")
    run(page_command("react", mine), folder)
    for path in [Path(mine["/srv/www"]), *Path(mine["/srv/www"]).rglob("*")]:
        path.chmod(0o755)


@pytest.fixture(autouse=True)
def _only_where_files_are_served(proxy: str) -> None:
    if not recipes()["react"].is_for(proxy):
        pytest.skip(f"{proxy} serves no files")


@pytest.mark.parametrize("path", ["/react/", "/react/items/7", "/react/items/a%20b?x=1"])
def test_a_deep_link_leads_to_the_page(member: Visitor, path: str) -> None:
    page = member.open(path)
    assert (page.status_code, '<div id="root">' in page.text) == (200, True)
    assert page.headers["Content-Type"].startswith("text/html")


def test_hashed_files(member: Visitor, proxied: str) -> None:
    files = re.findall(r'(?:src|href)="(/react/assets/[^"]+)"', member.open("/react/").text)
    assert {file.rpartition(".")[2] for file in files} == {"js", "css"}
    for file in files:
        answer = member.open(file)
        assert (answer.status_code, "html" in answer.headers["Content-Type"]) == (200, False)
        stranger = Visitor(proxied).ask("GET", file)
        assert stranger.status_code == 401

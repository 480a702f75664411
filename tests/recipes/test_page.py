"""The table of docs/how-to/apps.md says what these tests run, and in which version."""

import json
import re

import pytest

from tests.e2e.proxies import PROXIES
from tests.recipes.apps import PINS
from tests.recipes.page import PAGE, Recipe, recipes

RECIPES = recipes()
ROWS = {
    title: [cell.strip() for cell in cells.split("|")]
    for title, cells in re.findall(
        r"^\| \[(.+?)\]\(#.+?\) \|(.+)\|$", PAGE.read_text(), re.MULTILINE
    )
}
VERSIONS = {
    "jupyter": ("requirements-jupyterlab.txt", "jupyterlab"),
    "radicale": ("requirements-radicale.txt", "Radicale"),
    "datasette": ("requirements-datasette.txt", "datasette"),
    "mlflow": ("requirements-mlflow.txt", "mlflow"),
    "nodered": ("node-red/package-lock.json", "node-red"),
    "react": ("react/package-lock.json", "vite"),
}


def test_what_works_has_its_configuration_and_its_tests() -> None:
    works = {title: [cell == "works" for cell in cells[1:]] for title, cells in ROWS.items()}
    have = {
        recipe.title: [recipe.is_for(proxy) for proxy in PROXIES] for recipe in RECIPES.values()
    }
    assert works == {title: [False] * len(PROXIES) for title in ROWS} | have
    assert set(RECIPES) == set(VERSIONS)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_the_version_is_the_one_that_is_installed(recipe: Recipe) -> None:
    file, package = VERSIONS[recipe.name]
    assert ROWS[recipe.title][0].split()[-1] == _pinned(file, package)


def _pinned(file: str, package: str) -> str:
    text = (PINS / file).read_text()
    if file.endswith(".json"):
        return str(json.loads(text)["packages"][f"node_modules/{package}"]["version"])
    return dict(re.findall(r"^([\w.-]+)==(\S+)$", text, re.MULTILINE))[package]

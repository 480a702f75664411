"""The table of docs/how-to/apps.md says what these tests run, and in which version."""

import json
import re
from types import ModuleType

import pytest

from tests.e2e.proxies import PROXIES
from tests.recipes import (
    test_datasette,
    test_jupyterlab,
    test_mlflow,
    test_node_red,
    test_radicale,
    test_react,
)
from tests.recipes.apps import PINS
from tests.recipes.page import PAGE, Recipe, recipes

RECIPES = recipes()
COLUMNS = [*PROXIES, "traefik"]
TESTS: dict[str, ModuleType] = {
    "jupyter": test_jupyterlab,
    "radicale": test_radicale,
    "datasette": test_datasette,
    "mlflow": test_mlflow,
    "nodered": test_node_red,
    "react": test_react,
}
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


def test_the_table_says_what_ci_runs() -> None:
    runs = {
        recipe.title: [_runs(recipe, proxy) for proxy in COLUMNS] for recipe in RECIPES.values()
    }
    never = {title: ["not run"] * len(COLUMNS) for title in ROWS}
    assert {title: cells[1:] for title, cells in ROWS.items()} == never | runs
    assert set(RECIPES) == set(VERSIONS) == set(TESTS)


def _runs(recipe: Recipe, proxy: str) -> str:
    return "in CI" if recipe.is_for(proxy) else "not run"


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_the_version_is_the_one_that_is_installed(recipe: Recipe) -> None:
    file, package = VERSIONS[recipe.name]
    assert ROWS[recipe.title][0].split()[-1] == _pinned(file, package)


def _pinned(file: str, package: str) -> str:
    text = (PINS / file).read_text()
    if file.endswith(".json"):
        return str(json.loads(text)["packages"][f"node_modules/{package}"]["version"])
    return dict(re.findall(r"^([\w.-]+)==(\S+)$", text, re.MULTILINE))[package]

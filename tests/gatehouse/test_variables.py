"""The table of variables is the only one: documents are written from it, and nothing reads past it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatehouse.env import Env
from gatehouse.variables import TABLE
from script.write_variables import EXAMPLE, PAGE, example, page

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("gatehouse", "auth_api", "frontend_site", "manage.py")
READER = ROOT / "gatehouse" / "env.py"


def test_the_documents_are_those_of_the_table() -> None:
    """Write them anew with script/variables."""
    assert EXAMPLE.read_text() == example()
    assert PAGE.read_text() == page(PAGE.read_text())


def test_every_default_is_a_value_that_works() -> None:
    env = Env({"GATEHOUSE_ENV": "production"})
    for variable in TABLE:
        if not variable.required:
            env.read(variable)


def product_files() -> Iterator[Path]:
    for name in PRODUCT:
        path = ROOT / name
        yield from path.rglob("*.py") if path.is_dir() else [path]


def reads_environment(path: Path) -> Iterator[int]:
    """Yield the lines of `path` that read the environment; `os.environ.setdefault(...)` only writes."""
    tree = ast.parse(path.read_text())
    written = {
        id(node.func.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "setdefault"
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "os":
            if {"environ", "getenv", "environb"} & {alias.name for alias in node.names}:
                yield node.lineno
        elif isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "environb"):
            is_os = isinstance(node.value, ast.Name) and node.value.id == "os"
            if is_os and id(node) not in written:
                yield node.lineno


@pytest.mark.parametrize(
    "path", sorted(product_files()), ids=lambda path: str(path.relative_to(ROOT))
)
def test_nothing_reads_the_environment_past_the_table(path: Path) -> None:
    if path != READER:
        assert list(reads_environment(path)) == []


def test_the_search_finds_readers() -> None:
    assert list(reads_environment(READER)) != []

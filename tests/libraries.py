"""Finds code of ours that reaches into a library: for tests that say there is none."""

import ast
import enum
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OURS = ("auth_api", "frontend_site", "gatehouse")
_MADE_BY_PYTHON = {"_abc_impl", "_is_protocol", "_meta"}


def private_overrides(package: str) -> set[str]:
    """Private names that classes of `package` take from a class of a library, like `package.Class._name`."""
    return {
        f"{kind.__module__}.{kind.__qualname__}.{name}"
        for kind in _classes(package)
        for name in vars(kind).keys() - _MADE_BY_PYTHON
        if name.startswith("_") and not name.startswith("__") and _is_of_a_library(kind, name)
    }


def assignments(package: str) -> set[str]:
    """Statements in `package` that assign to an attribute of something imported from a library."""
    found = set()
    for path in (ROOT / package).rglob("*.py"):
        tree = ast.parse(path.read_text())
        libraries = set(_imported(tree))
        for node in ast.walk(tree):
            for target in _targets(node):
                if _root_of(target) in libraries:
                    found.add(f"{path.relative_to(ROOT)}: {ast.unparse(target)}")
    return found


def private_imports(package: str) -> set[str]:
    """Imports in `package` of a library's private module or name."""
    found = set()
    for path in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and _is_library(node):
                names = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
                if any(name.startswith("_") and name != "__future__" for name in names):
                    found.add(f"{path.relative_to(ROOT)}: {ast.unparse(node)}")
    return found


def _classes(package: str) -> Iterator[type]:
    for found in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
        if ".settings." in found.name or ".migrations." in found.name:
            continue  # of another environment
        module = importlib.import_module(found.name)
        for kind in vars(module).values():
            ours = inspect.isclass(kind) and kind.__module__ == found.name
            if ours and not issubclass(kind, enum.Enum):
                yield kind


def _is_of_a_library(kind: type, name: str) -> bool:
    theirs = (base for base in kind.__mro__ if base.__module__.partition(".")[0] not in OURS)
    return any(name in vars(base) for base in theirs)


def _is_library(node: ast.ImportFrom) -> bool:
    return not node.level and (node.module or "").partition(".")[0] not in OURS


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and _is_library(node):
            yield from (alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.asname or alias.name).partition(".")[0] for alias in node.names)


def _targets(node: ast.AST) -> list[ast.Attribute]:
    found: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        found = node.targets
    elif isinstance(node, ast.AugAssign | ast.AnnAssign):
        found = [node.target]
    return [target for target in found if isinstance(target, ast.Attribute)]


def _root_of(target: ast.Attribute) -> str:
    value: ast.expr = target
    while isinstance(value, ast.Attribute):
        value = value.value
    return value.id if isinstance(value, ast.Name) else ""

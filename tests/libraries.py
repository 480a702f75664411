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
# Documented in spite of their names: of Django's models and managers, and of named tuples.
DOCUMENTED = frozenset(
    {"_meta", "_state", "_db", "_default_manager", "_base_manager", "_asdict", "_replace"}
)


def private_overrides(package: str) -> set[str]:
    """Private names that classes of `package` take from a class of a library, like `package.Class._name`."""
    return {
        f"{kind.__module__}.{kind.__qualname__}.{name}"
        for kind in _classes(package)
        for name in vars(kind).keys() - _MADE_BY_PYTHON
        if name.startswith("_") and not name.startswith("__") and _is_of_a_library(kind, name)
    }


def assignments(package: str) -> set[str]:
    """What `package` assigns to, or deletes, in something imported from a library: attributes and items."""
    found = set()
    for path in (ROOT / package).rglob("*.py"):
        tree = ast.parse(path.read_text())
        libraries = set(_imported(tree))
        for node in ast.walk(tree):
            for target in _targets(node):
                if _root_of(target) in libraries:
                    found.add(f"{path.relative_to(ROOT)}: {ast.unparse(target)}")
    return found


def private_uses(package: str) -> set[str]:
    """Private attributes that `package` uses and that no class of ours defines, like `path: request._name`."""
    trees = [ast.parse(path.read_text()) for ours in OURS for path in (ROOT / ours).rglob("*.py")]
    known = DOCUMENTED.union(*map(_defined, trees))
    found = set()
    for path in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Attribute)
                and _is_private(node.attr)
                and node.attr not in known
            ):
                found.add(f"{path.relative_to(ROOT)}: {ast.unparse(node)}")
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


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


def _defined(tree: ast.AST) -> set[str]:
    """Private names that classes define: methods, their own attributes, and what their methods set.

    What other methods than `__init__` set in a class with a base may be an attribute of that base.
    """
    found: set[str] = set()
    for kind in (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)):
        for node in kind.body:  # not below `if TYPE_CHECKING`: those are another class's
            found |= {node.name} if isinstance(node, ast.FunctionDef) else _names_set_by(node)
            if isinstance(node, ast.FunctionDef) and (node.name == "__init__" or not kind.bases):
                found |= {name for inner in ast.walk(node) for name in _names_set_by(inner)}
    return found


def _names_set_by(node: ast.AST) -> set[str]:
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AnnAssign):
        targets = [node.target]
    flat = [inner for target in targets for inner in ast.walk(target)]
    names = {inner.id for inner in flat if isinstance(inner, ast.Name)}
    return names | {inner.attr for inner in flat if isinstance(inner, ast.Attribute)}


def _targets(node: ast.AST) -> list[ast.expr]:
    found: list[ast.expr] = []
    if isinstance(node, ast.Assign | ast.Delete):
        found = node.targets
    elif isinstance(node, ast.AugAssign | ast.AnnAssign):
        found = [node.target]
    elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("setattr", "delattr"):
        return [ast.Attribute(node.args[0], ast.unparse(node.args[1]))]
    return [target for target in found if isinstance(target, ast.Attribute | ast.Subscript)]


def _root_of(target: ast.expr) -> str:
    while isinstance(target, ast.Attribute | ast.Subscript):
        target = target.value
    return target.id if isinstance(target, ast.Name) else ""

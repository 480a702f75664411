"""No circle of imports between the parts of a package (pyproject.toml has the layers)."""

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

import grimp
import pytest

PACKAGES = ("gatehouse", "auth_api", "frontend_site")


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*PACKAGES, exclude_type_checking_imports=True, cache_dir=None)


def test_no_package_has_a_circle_of_imports_inside(graph: grimp.ImportGraph) -> None:
    """Also where no layers are declared: between modules and packages of `auth_api.users`, for example."""
    packages = [module for module in graph.modules if graph.find_children(module)]
    assert [circle for package in packages for circle in circles(graph, package)] == []


def circles(graph: grimp.ImportGraph, package: str) -> Iterator[list[str]]:
    """Yield one of the circles between the direct parts of `package`, if there are any."""
    imports: dict[str, set[str]] = {}
    for module in graph.find_descendants(package):
        own = part_of(module, package)
        for other in graph.find_modules_directly_imported_by(module):
            if other.startswith(f"{package}.") and part_of(other, package) != own:
                imports.setdefault(own, set()).add(part_of(other, package))
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        yield error.args[1]


def part_of(module: str, package: str) -> str:
    return ".".join(module.split(".")[: package.count(".") + 2])

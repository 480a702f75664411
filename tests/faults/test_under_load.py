"""Faults under load: whatever was acknowledged holds (docs/reference/faults.md lists all of them)."""

from collections.abc import Iterator

import pytest

from bench.faults.every import EVERY
from bench.faults.fault import Fault
from bench.faults.report import details
from bench.faults.run import run
from bench.faults.systems import ALONE, Systems

# All on one system, and each of another kind.
SHORT = (
    "Redis' AOF put back by a second",
    "Redis out of memory",
    "SQLite locked",
)


def parameter(fault: Fault) -> object:
    marks = [] if fault.name in SHORT else [pytest.mark.exhaustive]
    return pytest.param(fault, id=fault.name, marks=marks)


@pytest.fixture(scope="module")
def systems() -> Iterator[Systems]:
    with Systems() as running:
        yield running


def test_the_short_half_is_there() -> None:
    assert [f.where for f in EVERY if f.name in SHORT] == [ALONE] * len(SHORT)


@pytest.mark.parametrize("fault", [parameter(fault) for fault in EVERY])
def test_what_was_acknowledged_holds(fault: Fault, systems: Systems) -> None:
    if why := fault.missing():
        pytest.skip(f"NOT TESTED: {why}")
    try:
        row = run(fault, systems.get(fault.where))
    except BaseException:
        systems.stop()  # the fault broke it
        raise
    assert row.holds, details(row)

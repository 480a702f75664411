"""For every suite: the report of a failed test shows the last answers that the test got."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest

from tests import answers

# A busy machine takes as long as it takes.
hypothesis.settings.register_profile(
    "patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("patient")

# Fixtures that start a service or a browser: script/test --fast leaves out what uses them.
_SLOW_FIXTURES = frozenset({"server", "site", "chromiums"})


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _SLOW_FIXTURES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("slow")
    # Files with many slow tests first: script/test gives files to its workers in this order.
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    tests = Counter(item.path for item in items)
    items.sort(key=lambda item: (slow[item.path], tests[item.path]), reverse=True)


def pytest_runtest_setup() -> None:
    answers.take()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[Any]:
    report = yield
    if report.failed and (text := answers.take()):
        report.sections.append(("Last answers", text))
    return report

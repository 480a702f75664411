"""For every suite: the report of a failed test shows the last answers that the test got."""

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
_SLOW_FIXTURES = frozenset({"server", "site", "person", "person_without_javascript"})


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _SLOW_FIXTURES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("slow")


def pytest_runtest_setup() -> None:
    answers.take()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[Any]:
    report = yield
    if report.failed and (text := answers.take()):
        report.sections.append(("Last answers", text))
    return report

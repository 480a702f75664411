"""For every suite: the report of a failed test shows the last answers that the test got."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests import answers


def pytest_runtest_setup() -> None:
    answers.take()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[Any]:
    report = yield
    if report.failed and (text := answers.take()):
        report.sections.append(("Last answers", text))
    return report

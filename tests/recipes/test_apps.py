"""A registry that fails skips an app's tests; pins that cannot be installed fail them."""

import sys

import pytest

from tests.ports import free_port
from tests.recipes.apps import install

PIP = [sys.executable, "-m", "pip", "--isolated", "install", "--quiet", "--retries", "0"]


def test_a_registry_that_cannot_be_reached_skips_with_the_reason() -> None:
    nowhere = f"http://127.0.0.1:{free_port()}/simple"
    with pytest.raises(pytest.skip.Exception, match="NOT TESTED: an app: .*NewConnectionError"):
        install("an app", [*PIP, "--index-url", nowhere, "no-such-package"])


def test_a_wrong_pin_fails() -> None:
    with pytest.raises(RuntimeError, match="No matching distribution"):
        install("an app", [*PIP, "--no-index", "no-such-package==1"])

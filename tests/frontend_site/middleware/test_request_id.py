"""A request keeps its name all the way."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.frontend_site.browser import Browser
from tests.frontend_site.stub import Stub

Knobs = Callable[..., Any]


def test_a_proxys_id_is_taken_and_passed_on(browser: Browser, stub: Stub, options: Knobs) -> None:
    options(proxy_hops=1)
    answer = browser.sign_in().get("/account", X_Request_Id="trace-0123-ABC")
    assert answer["X-Request-Id"] == "trace-0123-ABC"
    assert stub.seen[0].header("X-Request-Id") == "trace-0123-ABC"


@pytest.mark.parametrize(
    "given", ["short", "x" * 65, "a b c d e f", 'x"x"x"x"x', "évil-évil", "12345678\n"]
)
def test_any_other_id_is_replaced(browser: Browser, options: Knobs, given: str) -> None:
    options(proxy_hops=1)
    answer = browser.get("/", X_Request_Id=given)
    assert answer["X-Request-Id"] != given
    assert len(answer["X-Request-Id"]) == 32


def test_a_browsers_own_id_is_not_taken(browser: Browser) -> None:
    answer = browser.get("/", X_Request_Id="trace-0123-ABC")
    assert answer["X-Request-Id"] != "trace-0123-ABC"

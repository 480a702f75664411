"""A request keeps its name all the way."""

import pytest

from tests.frontend_site.browser import Browser
from tests.frontend_site.stub import Stub


def test_a_well_formed_id_is_taken_and_passed_on(browser: Browser, stub: Stub) -> None:
    answer = browser.sign_in().get("/account", X_Request_Id="trace-0123-ABC")
    assert answer["X-Request-Id"] == "trace-0123-ABC"
    assert stub.seen[0].header("X-Request-Id") == "trace-0123-ABC"


@pytest.mark.parametrize(
    "given", ["short", "x" * 65, "a b c d e f", 'x"x"x"x"x', "évil-évil", "12345678\n"]
)
def test_any_other_id_is_replaced(browser: Browser, given: str) -> None:
    answer = browser.get("/", X_Request_Id=given)
    assert answer["X-Request-Id"] != given
    assert len(answer["X-Request-Id"]) == 32

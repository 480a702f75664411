"""Checks every protected route and method during an outage."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from tests.e2e.conftest import EMAIL
from tests.faults.outages import auth_api_is_gone, redis_is_gone
from tests.processes import JsonClient, Stack, wait_for
from tests.walk import MADE_UP, call_each, headers_at, protected_routes


@pytest.mark.parametrize("outage", [redis_is_gone, auth_api_is_gone])
def test_an_outage_opens_no_route_and_signs_nobody_out(
    stack: Stack, password: str, outage: Callable[[Stack], AbstractContextManager[None]]
) -> None:
    client = JsonClient(stack.address)
    assert client.login(EMAIL, password).status_code == 200
    sessions = [client.cookies["__Host-session"], MADE_UP]
    prepared = [headers_at(stack, session) for session in sessions]
    with outage(stack):
        for headers in prepared:
            seen = 0
            for route, answer in call_each(stack, protected_routes(), headers):
                seen += 1
                assert answer.status_code == 503, route
                assert int(answer.headers["Retry-After"]) > 0, route
                assert "Set-Cookie" not in answer.headers, route
            assert seen == 62
    wait_for(lambda: client.get("/account").status_code == 200, "being signed in again")

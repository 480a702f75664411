"""Nobody is logged out by an outage."""

from collections.abc import Callable, Iterator

import pytest
import requests

from tests.e2e.conftest import EMAIL
from tests.faults.outages import auth_api_hangs, auth_api_is_gone, redis_hangs, redis_is_gone
from tests.processes import JsonClient, Stack, wait_for


@pytest.fixture
def client(stack: Stack, password: str) -> JsonClient:
    signed_in = JsonClient(stack.address)
    assert signed_in.login(EMAIL, password).status_code == 200
    return signed_in


OUTAGES = [redis_is_gone, redis_hangs, auth_api_is_gone, auth_api_hangs]


@pytest.mark.parametrize("outage", OUTAGES)
def test_an_outage_is_unknown_and_never_signed_out(
    stack: Stack, client: JsonClient, outage: Callable[[Stack], Iterator[None]]
) -> None:
    with outage(stack):  # type: ignore[attr-defined]
        for path in ("/account", "/api/auth/session"):
            answer = client.get(path)
            assert answer.status_code == 503
            assert int(answer.headers["Retry-After"]) > 0
            assert "Set-Cookie" not in answer.headers
        assert requests.get(f"{stack.address}/healthz", timeout=10).ok
        assert requests.get(f"{stack.address}/readyz", timeout=20).status_code == 503
    wait_for(lambda: client.get("/account").status_code == 200, "being signed in again")


@pytest.mark.parametrize("outage", [redis_is_gone, auth_api_is_gone])
def test_a_login_during_an_outage_says_so_and_touches_no_cookie(
    stack: Stack, client: JsonClient, outage: Callable[[Stack], Iterator[None]], password: str
) -> None:
    csrf = client.csrf()
    with outage(stack):  # type: ignore[attr-defined]
        answer = client._send(
            "POST",
            "/api/auth/login",
            {"X-CSRF-Token": csrf, "Content-Type": "application/json"},
            {"email": EMAIL, "password": password},
        )
        assert answer.status_code == 503
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert "Set-Cookie" not in answer.headers
    wait_for(lambda: client.get("/account").status_code == 200, "being signed in again")


def test_a_hanging_auth_api_does_not_hang_the_rest(stack: Stack, client: JsonClient) -> None:
    with auth_api_hangs(stack):
        assert requests.get(f"{stack.address}/", timeout=5).status_code == 200
        assert JsonClient(stack.address).get("/account").status_code == 302


def test_readyz_of_auth_api_names_what_is_missing(stack: Stack) -> None:
    with redis_is_gone(stack):
        answer = requests.get(f"http://127.0.0.1:{stack.auth_port}/readyz", timeout=10)
    assert (answer.status_code, answer.json()["missing"]) == (503, ["redis"])

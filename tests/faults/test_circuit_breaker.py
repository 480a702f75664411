"""A frozen auth_api, on real processes: nobody waits for it once that is known."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.outages import auth_api_hangs
from tests.processes import JsonClient, Stack, wait_for

EMAIL = "ada@example.com"


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack(AUTH_API_WORKERS="2") as running:
        yield running


def test_a_frozen_auth_api_is_given_up_and_found_again(stack: Stack) -> None:
    client = JsonClient(stack.address)
    password = stack.make_user(EMAIL)
    assert client.login(EMAIL, password).status_code == 200
    with auth_api_hangs(stack):
        with ThreadPoolExecutor(20) as pool:
            crowd = list(pool.map(lambda _: _ask_in_vain(client), range(20)))  # they open it
            assert set(crowd) == {503}
            answers = list(pool.map(lambda _: _refusal(client), range(100)))
        assert {status for status, _, _ in answers} == {503}
        assert len({wait for _, wait, _ in answers}) > 1
        assert not any(cookies for _, _, cookies in answers)
        log = stack.log("web").read_text()
        assert "circuit breaker open" in log
    wait_for(lambda: client.get("/account").status_code == 200, "being signed in again")
    assert client.post("/api/auth/reauthenticate", {"password": password}).status_code == 200


def _ask_in_vain(client: JsonClient) -> int:
    return client.get("/api/auth/session").status_code


def _refusal(client: JsonClient) -> tuple[int, str, bool]:
    answer = client.get("/api/auth/session")
    return answer.status_code, answer.headers["Retry-After"], "Set-Cookie" in answer.headers

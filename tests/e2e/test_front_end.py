"""What front-end developers meet: calls without a body."""

from collections.abc import Mapping

import pytest
import requests

from tests.e2e.conftest import EMAIL
from tests.processes import JsonClient, Stack

NEEDED: Mapping[str, set[str]] = {
    "login": {"email", "password"},
    "register": {"email", "password"},
    "password/forgot": {"email"},
    "password/reset": {"token", "password"},
    "email/verify": {"token", "password"},
}


def bare_post(client: JsonClient, address: str, path: str) -> requests.Response:
    """POST as `fetch(path, {method: "POST"})` does: no body, no content type."""
    token = client.csrf()
    cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    headers = {"Cookie": cookie, "X-CSRF-Token": token}
    return requests.post(address + path, headers=headers, timeout=30)


@pytest.mark.parametrize("name", NEEDED)
def test_a_call_without_its_body_is_told_the_fields(stack: Stack, name: str) -> None:
    answer = bare_post(JsonClient(stack.address), stack.address, f"/api/auth/{name}")
    assert answer.status_code == 400
    assert answer.json()["errors"] == {field: ["Required."] for field in NEEDED[name]}


def test_a_call_that_takes_nothing_needs_no_body(stack: Stack, password: str) -> None:
    client = JsonClient(stack.address)
    assert client.login(EMAIL, password).status_code == 200
    assert bare_post(client, stack.address, "/api/auth/sessions/revoke-others").status_code == 200
    assert bare_post(client, stack.address, "/api/auth/logout").status_code == 204

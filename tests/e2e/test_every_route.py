"""Checks every protected route and method against the real auth_api."""

import pytest

from tests.e2e.conftest import EMAIL
from tests.processes import JsonClient, Stack
from tests.walk import MADE_UP, call_each, headers_at, protected_routes, routes


@pytest.fixture(scope="module")
def ended(stack: Stack, password: str) -> str:
    """The cookie of a session that was signed out."""
    client = JsonClient(stack.address)
    assert client.login(EMAIL, password).status_code == 200
    token = client.cookies["__Host-session"]
    assert client.get("/account").status_code == 200
    assert client.post("/api/auth/logout").status_code == 204
    return token


def check_asked_to_sign_in(stack: Stack, session: str | None) -> None:
    seen = 0
    for route, answer in call_each(stack, protected_routes(), headers_at(stack, session)):
        seen += 1
        if route.is_call:
            assert answer.status_code == 401, route
            assert answer.headers["Content-Type"] == "application/problem+json"
        else:
            assert answer.status_code == 302, route
            assert answer.headers["Location"].startswith("/login?next=/account"), route
        assert EMAIL not in answer.text
    assert seen == 62


def test_without_a_cookie_every_protected_route_asks_to_sign_in(stack: Stack) -> None:
    check_asked_to_sign_in(stack, None)


def test_with_a_made_up_cookie_every_protected_route_asks_to_sign_in(stack: Stack) -> None:
    check_asked_to_sign_in(stack, MADE_UP)


def test_with_the_cookie_of_an_ended_session_every_protected_route_asks_to_sign_in(
    stack: Stack, ended: str
) -> None:
    check_asked_to_sign_in(stack, ended)


def test_public_routes_know_nobody_by_the_cookie_of_an_ended_session(
    stack: Stack, ended: str
) -> None:
    reads = [route for route in routes() if route.public and route.method == "GET"]
    assert len(reads) == 27
    for route, answer in call_each(stack, reads, headers_at(stack, ended)):
        assert EMAIL not in answer.text, route

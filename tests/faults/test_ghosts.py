"""After a 503 nothing happens any more: no session appears, none ends, and no password changes."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.e2e.conftest import EMAIL
from tests.faults.outages import auth_api_hangs
from tests.processes import JsonClient, Stack, wait_for

NEW = "nine green bottles on a wall"


@pytest.fixture
def client(stack: Stack, password: str) -> JsonClient:
    signed_in = JsonClient(stack.address)
    assert signed_in.login(EMAIL, password).status_code == 200
    return signed_in


@pytest.fixture
def unchanged(client: JsonClient) -> Iterator[None]:
    """Check at the end that the same sessions live, and that the log tells of no change."""

    def state() -> Any:
        sessions = client.get("/api/auth/sessions").json()["items"]
        events = client.get("/api/auth/security-events").json()["items"]
        changes = {event["event"] for event in events} - {"session.started", "session.ended"}
        return sorted(each["handle"] for each in sessions), changes

    before = state()
    yield
    assert state() == before


def refused(stack: Stack) -> int:
    """How many calls auth_api has refused because nobody waits for them."""
    return stack.log("auth").read_text().count("deadline-passed")


def send(client: JsonClient, path: str, body: Any, csrf: str) -> int:
    return client.post(path, body, **{"X-CSRF-Token": csrf}).status_code


def test_what_waited_in_a_frozen_auth_api_has_no_effect(
    stack: Stack, client: JsonClient, unchanged: None, password: str
) -> None:
    form = {"email": EMAIL, "password": password}
    change = {"current_password": password, "new_password": NEW}
    stranger, before = JsonClient(stack.address), refused(stack)
    tokens = stranger.csrf(), client.csrf()
    with auth_api_hangs(stack):
        assert send(stranger, "/api/auth/login", form, tokens[0]) == 503
        assert send(client, "/api/auth/password/change", change, tokens[1]) == 503
    wait_for(lambda: refused(stack) == before + 2, "both calls to be refused")


@pytest.fixture
def lock(stack: Stack) -> Iterator[Callable[[], None]]:
    """Hold SQLite's one lock for writing; return what releases it."""
    with closing(sqlite3.connect(stack.folder / "users.sqlite3", isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        yield database.rollback


def test_what_waited_for_a_lock_has_no_effect(
    stack: Stack, client: JsonClient, unchanged: None, lock: Callable[[], None], password: str
) -> None:
    change = {"current_password": password, "new_password": NEW}
    assert client.post("/api/auth/password/change", change).status_code == 503
    assert client.post("/api/auth/sessions/revoke-all").status_code == 503
    lock()
    # Writing is possible again, and whatever waited has had its turn.
    other = JsonClient(stack.address)
    wait_for(lambda: other.login(EMAIL, password).status_code == 200, "a sign-in")
    assert other.post("/api/auth/logout").status_code == 204

"""A PostgreSQL that hangs: what needs only Redis goes on, and the rest is refused soon."""

import json
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from tests.postgresql import PostgreSQL, running_server
from tests.processes import JsonClient, Stack, wait_for

pytestmark = pytest.mark.skipif(shutil.which("initdb") is None, reason="needs PostgreSQL's initdb")
KNOWN, FORGOTTEN = "ada@example.com", "bob@example.com"
MANY = 24  # clients: twice as many as the worker has threads


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    with running_server() as running:
        yield running


@pytest.fixture(scope="module")
def stack(server: PostgreSQL) -> Iterator[Stack]:
    with Stack(DATABASE_URL=server.url, AUTH_API_WORKERS="1") as running:
        yield running


@pytest.fixture(scope="module")
def passwords(stack: Stack) -> dict[str, str]:
    return {email: stack.make_user(email) for email in (KNOWN, FORGOTTEN)}


class Caller:
    """A caller of auth_api with the BFF's token, and the session of a user."""

    def __init__(self, stack: Stack, cookie: str) -> None:
        self._address = f"http://127.0.0.1:{stack.auth_port}"
        token = stack.manage("service_token").strip()
        session = f"__Host-session={cookie}"
        self._headers = {"Authorization": f"Bearer {token}", "Cookie": session}

    def validate(self) -> requests.Response:
        path = f"{self._address}/v1/session"
        return requests.get(path, headers=self._headers, timeout=60)

    def is_alive(self) -> bool:
        return requests.get(f"{self._address}/healthz", timeout=60).status_code == 200


@pytest.fixture
def callers(stack: Stack, passwords: dict[str, str]) -> dict[str, Caller]:
    found = {}
    for email, password in passwords.items():
        client = JsonClient(stack.address)
        assert client.login(email, password).status_code == 200
        found[email] = Caller(stack, client.cookies["__Host-session"])
    return found


def forget_snapshot(stack: Stack, caller: Caller) -> None:
    """Remove the snapshot of the caller's user, as if it had run out."""
    ref = caller._headers["Cookie"].partition("=")[2][:16]
    stack.valkey.client().delete(f"gh:{{{ref}}}:card")


def workers(stack: Stack) -> str:
    pid = str(stack.processes["auth"].pid)
    return subprocess.run(["pgrep", "-P", pid], capture_output=True, text=True).stdout


def repeatedly(ask: Callable[[], Any], stop: threading.Event) -> list[Any]:
    answers = [ask()]
    while not stop.is_set():
        answers.append(ask())
    return answers


def test_while_postgresql_hangs_validation_goes_on_and_the_rest_is_unknown(
    stack: Stack, server: PostgreSQL, callers: dict[str, Caller]
) -> None:
    before, stop = workers(stack), threading.Event()
    forget_snapshot(stack, callers[FORGOTTEN])
    with ThreadPoolExecutor(MANY + 2) as clients:
        with server.frozen():
            unknown = [clients.submit(callers[FORGOTTEN].validate) for _ in range(MANY)]
            known = clients.submit(repeatedly, callers[KNOWN].validate, stop)
            alive = clients.submit(repeatedly, callers[KNOWN].is_alive, stop)
            answers = [each.result() for each in unknown]  # all while it hangs
            stop.set()
            assert {answer.status_code for answer in known.result()} == {200}
            assert all(alive.result())
        for answer in answers:
            assert answer.status_code == 503
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert int(answer.headers["Retry-After"]) > 0
            assert "Set-Cookie" not in answer.headers
        wait_for(lambda: callers[FORGOTTEN].validate().status_code == 200, "the end of the outage")
    assert workers(stack) == before


@pytest.mark.exhaustive
def test_an_outage_of_the_database_costs_no_tries(
    stack: Stack, server: PostgreSQL, callers: dict[str, Caller], passwords: dict[str, str]
) -> None:
    client = JsonClient(stack.address)
    with server.frozen():
        statuses = [client.login(KNOWN, passwords[KNOWN]).status_code for _ in range(12)]
    assert set(statuses) == {503}
    said = []

    def judged() -> bool:
        said.append(client.login(KNOWN, passwords[KNOWN]).status_code)
        return said[-1] != 503

    wait_for(judged, "the end of the outage")
    assert said[-1] == 200, json.dumps(said)

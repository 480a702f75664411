"""The data export through both services: longer than any other answer, and never truncated."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
import requests

from tests.processes import JsonClient, Stack

EMAIL = "ada@example.com"
EVENTS = 6_000
_INSERT = """
INSERT INTO security_log_securityevent
    (user_id, kind, at, first_at, count, by, address, device, request_id, handle, reason, place)
SELECT id, 'login.failed', '2026-01-01 00:00:00', ?, 1, 'owner', '203.0.113.7',
       'Chrome on Linux', ?, '', 'wrong-password', '' FROM users_user WHERE email = ?
"""


def add_events(stack: Stack, count: int, *, first_at: str = "2026-01-01 00:00:00") -> None:
    with closing(sqlite3.connect(stack.folder / "users.sqlite3", timeout=30)) as database:
        rows = ((first_at, f"{number:032}", EMAIL) for number in range(count))
        database.executemany(_INSERT, rows)
        database.commit()


def read_into(received: bytearray, answer: requests.Response) -> None:
    for piece in answer.iter_content(65536):
        received += piece


@pytest.fixture
def client(stack: Stack, password: str) -> Iterator[JsonClient]:
    client = JsonClient(stack.address)
    assert client.login(EMAIL, password).status_code == 200
    yield client
    with closing(sqlite3.connect(stack.folder / "users.sqlite3", timeout=30)) as database:
        database.execute("DELETE FROM security_log_securityevent WHERE kind = 'login.failed'")
        database.commit()


def test_more_than_an_answer_may_have_arrives_whole(stack: Stack, client: JsonClient) -> None:
    add_events(stack, EVENTS)
    answer = client.get("/api/auth/account/export")
    assert answer.status_code == 200
    assert len(answer.content) == int(answer.headers["Content-Length"]) > 1024**2
    ids = [event["request_id"] for event in answer.json()["security_events"]]
    assert [int(each) for each in ids if each.isdigit()] == list(reversed(range(EVENTS)))


def test_a_failure_in_the_middle_starts_no_download(stack: Stack, client: JsonClient) -> None:
    """A row cannot be read, after thousands were sent."""
    add_events(stack, 1, first_at="garbage")
    add_events(stack, EVENTS)
    token = stack.manage("service_token").strip()
    headers = {"Authorization": f"Bearer {token}"}
    headers["Cookie"] = f"__Host-session={client.cookies['__Host-session']}"
    address = f"http://127.0.0.1:{stack.auth_port}/v1/account/export"
    with requests.get(address, headers=headers, stream=True, timeout=20) as answer:
        assert answer.status_code == 200
        received = bytearray()
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            read_into(received, answer)
    assert len(received) > 1024**2 // 2
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        json.loads(received)
    answer = client.get("/api/auth/account/export")
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:gatehouse:problem:auth-api-unavailable"

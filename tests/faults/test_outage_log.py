"""An outage leaves one line in the log for each request that failed, and no traceback."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from tests.e2e.conftest import EMAIL
from tests.faults.conftest import Pairs
from tests.faults.outages import (
    auth_api_is_gone,
    redis_is_gone,
    redis_refuses_writes,
    relayed_server_is_gone,
)
from tests.processes import JsonClient, wait_for


@contextmanager
def database_is_gone(pairs: Pairs) -> Iterator[None]:
    """Nor does Redis know the users, so that every session is checked in the database."""
    store = pairs.stack.valkey.client()
    with relayed_server_is_gone(pairs.database):
        store.unlink(*store.scan_iter("gh:*:card"))
        yield


def fail_to_sign_in(pairs: Pairs, client: JsonClient, csrf: str) -> str:
    headers = {"X-CSRF-Token": csrf, "Content-Type": "application/json"}
    form = {"email": EMAIL, "password": pairs.password}
    answer = client._send("POST", "/api/auth/login", headers, form)
    assert answer.status_code == 503
    return str(answer.headers["X-Request-Id"])


def fail_to_load(client: JsonClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 503
    return str(answer.headers["X-Request-Id"])


@pytest.mark.parametrize(
    ("outage", "pages"),
    [
        (lambda pairs: redis_is_gone(pairs.stack), True),
        (lambda pairs: redis_refuses_writes(pairs.stack), False),  # pages work
        (database_is_gone, True),
        (lambda pairs: auth_api_is_gone(pairs.stack), True),
    ],
    ids=["redis gone", "redis refuses writes", "database gone", "auth_api gone"],
)
def test_each_failed_request_is_one_line(
    pairs: Pairs, outage: Callable[[Pairs], AbstractContextManager[None]], pages: bool
) -> None:
    client = pairs.signed_in()
    csrf = client.csrf()
    before = len(pairs.stack.logs())
    with outage(pairs):
        failed = [fail_to_sign_in(pairs, client, csrf)]
        if pages:
            failed += [fail_to_load(client, path) for path in ("/account", "/api/auth/session")]

        def lines_of(request_id: str) -> list[str]:
            return [line for line in pairs.stack.logs().splitlines() if request_id in line]

        wait_for(lambda: all(lines_of(request_id) for request_id in failed), "the lines")
        assert [len(lines_of(request_id)) for request_id in failed] == [1] * len(failed)
        for request_id in failed:
            assert "route=" in lines_of(request_id)[0]
    wait_for(lambda: client.get("/account").status_code == 200, "the end of the outage")
    assert "Traceback" not in pairs.stack.logs()[before:]

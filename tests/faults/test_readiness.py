"""/readyz of both services tells what works, on two workers each."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.faults.conftest import Pairs
from tests.faults.outages import (
    auth_api_hangs,
    auth_api_is_gone,
    redis_hangs,
    redis_is_gone,
    redis_refuses_writes,
    relayed_server_hangs,
    relayed_server_is_gone,
    restarted_with,
)
from tests.processes import wait_for

AGREED = 8  # answers in a row: each of two workers gave some of them
READY = (200, {"status": "ready"})

Outage = Callable[[Any], AbstractContextManager[None]]
OF_THE_DATABASE = (relayed_server_is_gone, relayed_server_hangs)


def degraded(name: str) -> tuple[int, dict[str, object]]:
    return 200, {"status": "degraded", "missing": [name]}


def not_ready(name: str) -> tuple[int, dict[str, object]]:
    return 503, {"status": "not ready", "missing": [name]}


def says(pairs: Pairs, service: str, expected: tuple[int, dict[str, object]]) -> bool:
    """Whether all workers of a service give the `expected` answer."""
    port = {"web": pairs.stack.web_port, "auth": pairs.stack.auth_port}[service]
    for _ in range(AGREED):
        answer = requests.get(f"http://127.0.0.1:{port}/readyz", timeout=60)
        if (answer.status_code, answer.json()) != expected:
            return False
    return True


@pytest.fixture(autouse=True)
def _ready(pairs: Pairs) -> Iterator[None]:
    yield
    for service in ("auth", "web"):
        wait_for(lambda name=service: says(pairs, name, READY), f"{service} to be ready")


@pytest.mark.parametrize(
    ("outage", "expected"),
    [
        (redis_is_gone, not_ready("redis")),
        pytest.param(redis_hangs, not_ready("redis"), marks=pytest.mark.exhaustive),
        (redis_refuses_writes, degraded("redis-writes")),
        (relayed_server_is_gone, degraded("database")),
        (relayed_server_hangs, degraded("database")),
    ],
)
def test_both_services_name_what_auth_api_lacks(
    pairs: Pairs, outage: Outage, expected: tuple[int, dict[str, object]]
) -> None:
    with outage(pairs.database if outage in OF_THE_DATABASE else pairs.stack):
        for service in ("auth", "web"):
            wait_for(lambda name=service: says(pairs, name, expected), f"{service}: {expected}")


@pytest.mark.exhaustive
@pytest.mark.parametrize("outage", [auth_api_is_gone, auth_api_hangs])
def test_the_site_is_not_ready_without_auth_api(pairs: Pairs, outage: Outage) -> None:
    with outage(pairs.stack):
        wait_for(lambda: says(pairs, "web", not_ready("auth_api")), "the site to notice")


def test_the_site_is_not_ready_when_its_service_key_differs(pairs: Pairs) -> None:
    other = f"k1:{secrets.token_urlsafe(40)}"
    with restarted_with(pairs.stack, "web", GATEHOUSE_SERVICE_KEYS=other):
        assert says(pairs, "web", not_ready("service-token"))
        assert says(pairs, "auth", READY)


@pytest.mark.parametrize(
    "seconds", [-3600, pytest.param(3600, marks=pytest.mark.exhaustive)], ids=["behind", "ahead"]
)
def test_the_site_is_not_ready_when_its_clock_is_an_hour_off(
    pairs: Pairs, tmp_path: Path, seconds: int
) -> None:
    shift = f"import time; real = time.time; time.time = lambda: real() + ({seconds})"
    (tmp_path / "sitecustomize.py").write_text(shift)
    with restarted_with(pairs.stack, "web", PYTHONPATH=str(tmp_path)):
        assert says(pairs, "web", not_ready("service-token"))


def test_signed_in_pages_work_while_the_site_is_degraded_without_the_database(pairs: Pairs) -> None:
    client = pairs.signed_in()
    assert client.get("/account").status_code == 200  # auth_api has a snapshot of the user
    with relayed_server_is_gone(pairs.database):
        wait_for(lambda: says(pairs, "web", degraded("database")), "the site to be degraded")
        assert client.get("/account").status_code == 200

"""Alive, ready, counted; and what an outage looks like to a caller."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError, connection
from redis.exceptions import ConnectionError as RedisConnectionError

from auth_api.sessions.redis import connections
from auth_api.settings.redis import caches
from tests.auth_api.http import call
from tests.auth_api.logs import logged, names_of
from tests.auth_api.sessions.conftest import PASSWORD
from tests.ports import free_port

pytestmark = pytest.mark.django_db(transaction=True)
LOGIN = {"email": "ada@example.com", "password": PASSWORD}


def no_redis(*_: Any) -> Any:
    raise RedisConnectionError("gone")


def no_database(*_: Any, **__: Any) -> Any:
    raise OperationalError("gone")


@pytest.fixture
def redis_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auth_api.sessions.redis.backend.ask", no_redis)
    monkeypatch.setattr("auth_api.sessions.redis.backend.ask_durably", no_redis)
    monkeypatch.setattr("auth_api.throttling.ask", no_redis)


def test_ready_when_database_and_redis_answer() -> None:
    assert call("GET", "/healthz").json() == {"status": "alive"}
    assert call("GET", "/readyz").json() == {"status": "ready"}


def test_not_ready_says_what_is_missing(redis_gone: None, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = call("GET", "/readyz")
    assert (answer.status_code, answer.json()["missing"]) == (503, ["redis"])
    monkeypatch.setattr(type(connection), "cursor", no_database, raising=False)
    monkeypatch.setattr("auth_api.operations.connection.cursor", no_database)
    assert call("GET", "/readyz").json()["missing"] == ["database", "redis"]
    assert call("GET", "/healthz").status_code == 200


def test_metrics_count_logins_by_outcome() -> None:
    call("POST", "/v1/login", LOGIN)
    text = call("GET", "/metrics").content.decode()
    assert 'gatehouse_logins_total{outcome="refused"}' in text


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_probes_take_no_other_method(path: str) -> None:
    answer = call("POST", path, {})
    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")


def test_without_redis_a_login_is_unknown(redis_gone: None) -> None:
    with logged() as events:
        answer = call("POST", "/v1/login", LOGIN)
    assert answer.json()["type"] == "urn:gatehouse:problem:session-store-unavailable"
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    assert not answer.cookies
    assert names_of(events) == ["answer.unknown"]


@pytest.fixture
def cluster_gone(settings: Any) -> Iterator[None]:
    settings.CACHES = caches(f"redis+cluster://127.0.0.1:{free_port()}")
    connections.connection.cache_clear()
    yield
    connections.connection.cache_clear()


@pytest.mark.parametrize("request_line", ["GET /v1/session", "POST /v1/login"])
def test_a_cluster_of_which_no_node_answers_is_unknown(
    cluster_gone: None, request_line: str
) -> None:
    method, path = request_line.split()
    body = LOGIN if method == "POST" else None
    answer = call(method, path, body, token=f"{'A' * 16}.{'B' * 43}")
    assert answer.json()["type"] == "urn:gatehouse:problem:session-store-unavailable"
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    assert not answer.cookies
    assert call("GET", "/readyz").json()["missing"] == ["redis"]


def test_without_the_database_a_login_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auth_api.users.backends._find", no_database)
    with logged() as events:
        answer = call("POST", "/v1/login", LOGIN)
    assert answer.json()["type"] == "urn:gatehouse:problem:database-unavailable"
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    assert not answer.cookies
    assert names_of(events) == ["database.unavailable"]

"""Alive, ready, counted; and what an outage looks like to a caller."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.db import connections as databases
from django.utils import timezone
from redis.exceptions import ConnectionError as RedisConnectionError

from auth_api import outbox_metrics, readiness
from auth_api.mail.models import OutboxMail
from auth_api.mail.outbox import queue_mail
from auth_api.sessions.redis import connections
from auth_api.settings.redis import caches
from auth_api.throttling import CLIENT_MAILS, Purpose, mail_wait
from auth_api.tries import FREE_TRIES
from gatehouse import probe
from tests.auth_api.http import call
from tests.auth_api.logs import logged, names_of
from tests.auth_api.sessions.conftest import PASSWORD
from tests.ports import free_port
from tests.store_contents import command_counts, reset_command_counts, servers

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
    monkeypatch.setattr("auth_api.tries.ask", no_redis)
    monkeypatch.setattr("auth_api.sessions.redis.readiness.ask", no_redis)
    monkeypatch.setattr("auth_api.sessions.redis.readiness.ask_durably", no_redis)


@contextmanager
def each_server(client: Any, **settings: str) -> Iterator[None]:
    """Change settings of every primary for the block."""
    before = [
        (server, name, server.config_get(name)[name])
        for server in servers(client)
        for name in settings
    ]
    for server, name, _ in before:
        server.config_set(name, settings[name])
    try:
        yield
    finally:
        for server, name, value in before:
            server.config_set(name, value)


@pytest.fixture
def database_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(databases["default"]), "cursor", no_database)


@pytest.fixture(autouse=True)
def _checked_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every probe is checked, and a slow machine is no outage."""
    monkeypatch.setattr(probe, "FRESH", 0.0)
    for check in (readiness._redis, readiness._database, outbox_metrics._outbox):
        monkeypatch.setattr(check, "patience", 60.0)


def ready(path: str = "/readyz") -> tuple[int, Any]:
    answer = call("GET", path)
    return answer.status_code, answer.json()


def test_ready_when_database_and_redis_answer() -> None:
    assert call("GET", "/healthz").json() == {"status": "alive"}
    assert ready() == ready("/v1/ready") == (200, {"status": "ready"})


def test_not_ready_without_redis(redis_gone: None) -> None:
    answer = call("GET", "/readyz")
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    assert answer.json() == {"status": "not ready", "missing": ["redis"]}
    assert call("GET", "/healthz").status_code == 200


def test_degraded_without_the_database(database_gone: None) -> None:
    assert ready() == (200, {"status": "degraded", "missing": ["database"]})


def test_not_ready_names_everything_that_is_missing(redis_gone: None, database_gone: None) -> None:
    assert ready() == (503, {"status": "not ready", "missing": ["redis", "database"]})


def test_degraded_when_redis_refuses_writes(redis_client: Any) -> None:
    with each_server(redis_client, maxmemory="1"):
        assert ready() == (200, {"status": "degraded", "missing": ["redis-writes"]})
    assert ready() == (200, {"status": "ready"})


def test_degraded_without_the_replicas_that_must_acknowledge(
    settings: Any, redis_client: Any
) -> None:
    settings.GATEHOUSE = dataclasses.replace(settings.GATEHOUSE, redis_replicas=9)
    assert ready() == (200, {"status": "degraded", "missing": ["redis-replicas"]})


def test_a_probe_writes_to_every_primary_and_leaves_nothing(redis_client: Any) -> None:
    reset_command_counts(redis_client)
    ready()
    primaries = redis_client.get_primaries() if hasattr(redis_client, "get_primaries") else [None]
    assert command_counts(redis_client)["set"] >= len(primaries)
    keys = redis_client.scan_iter("*")
    assert all(0 < redis_client.ttl(key) <= 1 for key in keys)


def test_the_private_probe_needs_a_service_token() -> None:
    assert call("GET", "/v1/ready", HTTP_AUTHORIZATION="").status_code == 401
    assert call("GET", "/readyz", HTTP_AUTHORIZATION="").status_code == 200


def metrics() -> dict[str, float]:
    """Return every sample of /metrics by its name with labels."""
    lines = call("GET", "/metrics").content.decode().splitlines()
    pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


def test_metrics_count_logins_by_outcome() -> None:
    name = 'gatehouse_logins_total{outcome="refused"}'
    before = metrics().get(name, 0)
    call("POST", "/v1/login", LOGIN)
    assert metrics()[name] == before + 1


def test_metrics_count_requests_by_route_and_status_and_name_no_path() -> None:
    handle = "h" * 16
    name = (
        'gatehouse_request_seconds_count{route="auth_api.api.sessions.session_detail",status="401"}'
    )
    before = metrics().get(name, 0)
    call("DELETE", f"/v1/sessions/{handle}")
    call("GET", f"/nowhere/{handle}")
    after = metrics()
    assert after[name] == before + 1
    assert after['gatehouse_request_seconds_count{route="other",status="404"}'] > 0
    assert not [sample for sample in after if handle in sample]


def test_metrics_count_what_throttles_refuse() -> None:
    name = 'gatehouse_throttled_total{limit="tries"}'
    before = metrics().get(name, 0)
    statuses = [call("POST", "/v1/login", LOGIN).status_code for _ in range(FREE_TRIES + 2)]
    assert metrics()[name] == before + statuses.count(429) > before
    other = 'gatehouse_throttled_total{limit="mails of a client"}'
    before = metrics().get(other, 0)
    waits = [mail_wait("203.0.113.7", Purpose.RESET) for _ in range(CLIENT_MAILS + 1)]
    assert [wait > 0 for wait in waits] == [False] * CLIENT_MAILS + [True]
    assert metrics()[other] == before + 1


def test_metrics_show_the_outbox() -> None:
    queue_mail(to="ada@example.com", template="reset", subject="x")
    OutboxMail.objects.update(created_at=timezone.now() - timedelta(hours=1))
    queue_mail(to="bob@example.com", template="reset", subject="x")
    OutboxMail.objects.create(to="eve@example.com", due_at=None)
    found = metrics()
    assert found['gatehouse_outbox_mails{state="waiting"}'] == 2
    assert found['gatehouse_outbox_mails{state="given up"}'] == 1
    assert found["gatehouse_outbox_oldest_seconds"] >= 3600


def test_metrics_come_without_the_database(database_gone: None) -> None:
    found = metrics()
    assert "gatehouse_outbox_oldest_seconds" not in found
    assert any(name.startswith("gatehouse_request_seconds") for name in found)


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
    assert events[0]["route"] == "auth_api.api.login.login"
    assert events[0]["cause"] == "OperationalError: gone"
    assert "exception" not in events[0]


def failing_middleware(get_response: Any) -> Any:
    return no_database


def test_an_outage_in_a_middleware_is_unknown_and_one_line(settings: Any) -> None:
    """Its exception reaches no view and no other middleware: Django answers, and logs it."""
    settings.MIDDLEWARE = [
        *settings.MIDDLEWARE,
        f"{failing_middleware.__module__}.failing_middleware",
    ]
    with logged() as events:
        answer = call("GET", "/v1/session")
    assert answer.json()["type"] == "urn:gatehouse:problem:database-unavailable"
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    assert names_of(events) == ["database.unavailable"]

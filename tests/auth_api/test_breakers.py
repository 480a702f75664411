"""In front of Redis and the database: after a few failures nobody waits for them any more."""

import socket
import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection

from auth_api import deadline
from auth_api.database import limits
from auth_api.database.limits import DatabaseUnavailable, slot
from auth_api.database.postgresql import driver
from auth_api.options import options
from auth_api.sessions.redis import connections, held
from auth_api.settings.redis import caches
from gatehouse.breaker import BreakerOpen
from tests.auth_api.http import call
from tests.auth_api.logs import logged, names_of
from tests.topologies import wait_for
from tests.valkey import ValkeyServer

FAILURES = 5


@pytest.fixture(autouse=True)
def _closed_breakers() -> Iterator[None]:
    yield
    limits.breaker.succeeded()
    connections.breaker.succeeded()


# -- Redis ----------------------------------------------------------------------------------------


@pytest.fixture
def server(settings: Any) -> Iterator[ValkeyServer]:
    """A Redis that the test may stop."""
    with ValkeyServer() as running:
        settings.CACHES = caches(running.url)
        connections.connection.cache_clear()
        held._held.clear()
        yield running
    connections.connection.cache_clear()
    held._held.clear()


def test_a_redis_that_is_away_is_soon_asked_no_more_and_then_again(server: ValkeyServer) -> None:
    server.stop()
    for _ in range(FAILURES):
        with pytest.raises(held.OUTAGE) as failed:
            connections.ask("PING")
        assert not isinstance(failed.value, BreakerOpen)
    with pytest.raises(BreakerOpen):
        connections.ask("PING")
    server.start()
    wait_for(lambda: not connections.breaker.is_open or answers(), "a probe")
    assert answers()


def answers() -> bool:
    try:
        return bool(connections.ask("PING"))
    except held.OUTAGE:
        return False


def test_errors_that_redis_answers_with_open_nothing(server: ValkeyServer) -> None:
    for _ in range(FAILURES + 1):
        with pytest.raises(connections.ResponseError):
            connections.ask("NOSUCHCOMMAND")
    assert answers()


@pytest.mark.django_db
def test_a_call_in_front_of_an_open_breaker_is_unknown_with_a_time_to_return() -> None:
    for _ in range(FAILURES):
        connections.breaker.failed()
    with logged() as events:
        answer = call("GET", "/v1/session", token=f"{'A' * 16}.{'B' * 43}")
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:gatehouse:problem:session-store-unavailable"
    assert int(answer["Retry-After"]) == answer.json()["retry_after"] > 0
    assert not answer.cookies
    assert names_of(events) == ["answer.unknown"]


# -- the database -----------------------------------------------------------------------------------


@pytest.fixture
def silent() -> Iterator[dict[str, Any]]:
    """Where a server accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield {"host": "127.0.0.1", "port": listener.getsockname()[1], "user": "gatehouse"}


def test_a_silent_postgresql_is_soon_asked_no_more(silent: dict[str, Any]) -> None:
    for _ in range(FAILURES):
        with deadline.within(0.3), pytest.raises(psycopg.OperationalError):
            driver.connect(**silent)
    with deadline.within(60), pytest.raises(DatabaseUnavailable) as refused:
        driver.connect(**silent)
    assert refused.value.retry_after > 0


def test_refusals_are_logged_in_one_line_and_say_when_to_return(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: Any) -> Any:
        raise DatabaseUnavailable("circuit breaker open", 7)

    monkeypatch.setattr("auth_api.users.backends._find", refuse)
    form = {"email": "ada@example.com", "password": "wrong"}
    with logged() as events:
        answer = call("POST", "/v1/login", form)
    assert answer.json()["type"] == "urn:gatehouse:problem:database-unavailable"
    assert (answer.status_code, answer["Retry-After"]) == (503, "7")
    assert names_of(events) == ["database.unavailable"]
    assert "exception" not in events[0]


@pytest.mark.django_db(transaction=True)
def test_only_a_part_of_the_threads_waits_for_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "is_serving", lambda: True)
    number, release = options().database_slots, threading.Event()
    taken = threading.Barrier(number + 1)

    def wait() -> None:
        with slot():
            taken.wait()
            release.wait(60)

    threads = [threading.Thread(target=wait) for _ in range(number)]
    for thread in threads:
        thread.start()
    taken.wait()
    with pytest.raises(OperationalError, match="too many threads"), connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    release.set()
    for thread in threads:
        thread.join()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="a setting of PostgreSQL")
@pytest.mark.skipif(
    connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS", False),
    reason="behind a pooler, the limits are those of the role",
)
def test_the_server_itself_ends_what_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Statements only in a service: a migration may take its time."""

    def setting(name: str) -> Any:
        with connection.cursor() as cursor:
            cursor.execute(f"SHOW {name}")
            return cursor.fetchone()[0]

    connection.close()
    assert (setting("lock_timeout"), setting("statement_timeout")) == ("3s", "0")
    monkeypatch.setattr("auth_api.database.postgresql.base.is_serving", lambda: True)
    connection.close()
    assert (setting("lock_timeout"), setting("statement_timeout")) == ("3s", "4s")
    connection.close()


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite is no server")
def test_a_statement_without_an_answer_ends_and_the_next_one_has_a_new_connection() -> None:
    with deadline.within(0.3), pytest.raises(OperationalError), connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(60)")
    connection.close_if_unusable_or_obsolete()
    with connection.cursor() as cursor:
        # It is still executed: the server does not look whether its client is there.
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE query LIKE %s",
            ["SELECT pg_sleep(60)%"],
        )
        assert cursor.fetchall() == [(True,)]

"""The tests of auth_api: its settings, on a real Valkey."""

import atexit
import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.projects import use_settings
from tests.topologies import Cluster
from tests.valkey import ValkeyServer

# script/test runs the engine's suite on each of them.
_topology = os.environ.get("GATEHOUSE_TEST_TOPOLOGY", "standalone")
_server: ValkeyServer | Cluster
if _topology == "cluster":
    _server = Cluster(replicas=True)
    os.environ["GATEHOUSE_REDIS_REPLICAS"] = "1"
else:
    _server = ValkeyServer()
_server.start()
atexit.register(_server.stop)
os.environ["REDIS_URL"] = _server.url
use_settings("auth_api.settings", "tests.auth_api.flushing")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL, run only what uses the database: the rest has run on SQLite."""
    if not os.environ.get("DATABASE_URL", "").startswith("postgres"):
        return
    unused = [item for item in items if not _uses_database(item)]
    config.hook.pytest_deselected(items=unused)
    items[:] = [item for item in items if item not in unused]


def _uses_database(item: pytest.Item) -> bool:
    fixtures = set(getattr(item, "fixturenames", ()))
    return bool(item.get_closest_marker("django_db") or fixtures & {"db", "transactional_db"})


@pytest.fixture(scope="session")
def redis_client() -> Any:
    """A connection to the store, for looking at what the engine left there."""
    from django_redis import get_redis_connection

    return get_redis_connection("sessions")


@pytest.fixture(scope="session")
def store_servers() -> list[ValkeyServer]:
    """The servers themselves, to break."""
    return [*_server.primaries] if isinstance(_server, Cluster) else [_server]


@pytest.fixture(autouse=True)
def _empty_store(redis_client: Any) -> None:
    redis_client.flushall()


@pytest.fixture(autouse=True)
def _no_service_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Importing auth_api.wsgi limits the database for the whole process; tests run more calls at once."""
    monkeypatch.setattr("auth_api.database.limits.is_serving", lambda: False)
    monkeypatch.setattr("auth_api.database.postgresql.base.is_serving", lambda: False)


@pytest.fixture(autouse=True)
def _patient_callers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls that name no deadline are not given up because the machine is busy with other work."""
    monkeypatch.setattr("auth_api.deadline.DEFAULT", 60.0)


@pytest.fixture(autouse=True)
def _written_log() -> Iterator[None]:
    """What a test left for the security log is written before its database is emptied."""
    from auth_api.security_log.writer import writer

    yield
    writer.drain()

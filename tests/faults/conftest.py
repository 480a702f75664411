"""One running Gatehouse to break, and one with two workers of each service on PostgreSQL."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from tests.e2e.conftest import EMAIL, password, stack
from tests.postgresql import running_postgresql
from tests.processes import JsonClient, Stack
from tests.relay import Relay

__all__ = ["password", "stack"]
METRICS_TOKEN = "prometheus-may-read-this-0123456789"


@dataclass(frozen=True)
class Pairs:
    """Two workers of each service, with a relay in front of the database."""

    stack: Stack
    database: Relay
    database_port: int
    password: str

    def signed_in(self) -> JsonClient:
        """Return a client with a session of its own."""
        client = JsonClient(self.stack.address)
        assert client.login(EMAIL, self.password).status_code == 200
        return client


@pytest.fixture(scope="session")
def pairs() -> Iterator[Pairs]:
    if shutil.which("initdb") is None:
        pytest.skip("needs PostgreSQL's initdb")
    with running_postgresql() as url:
        port = urlsplit(url).port or 0
        with Relay(port) as relay:
            settings = {
                "DATABASE_URL": url.replace(f":{port}/", f":{relay.port}/"),
                "FRONTEND_WORKERS": "2",
                "AUTH_API_WORKERS": "2",
                "GATEHOUSE_METRICS_TOKEN": METRICS_TOKEN,
                "GATEHOUSE_LOG_LEVEL": "WARNING",
            }
            with Stack(**settings) as running:
                yield Pairs(running, relay, port, running.make_user(EMAIL))

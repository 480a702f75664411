"""The running systems that faults happen to: both services in production settings, and their stores."""

import os
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from glob import glob
from pathlib import Path
from shutil import which

from tests.postgresql import PostgreSQL
from tests.processes import Stack
from tests.topologies import Cluster, Sentinels

from .client import Client
from .clock import give_own_clock
from .disks import tiny_disk
from .site import Site

ALONE = "Valkey, SQLite"
POSTGRESQL = "Valkey, PostgreSQL"
SENTINEL = "Sentinel, 1 replica"
CLUSTER = "Cluster, no replicas"
CLUSTER_WITH_REPLICAS = "Cluster, 1 replica each"
CLOCKS = "Valkey, SQLite, own clocks"

CLIENTS, WATCHERS, ACTORS = 5, 3, 3
_USERS = CLIENTS + WATCHERS + ACTORS
_ROUNDS = 40  # faults on one system
_SETTINGS = {
    "GATEHOUSE_ENV": "production",
    "GATEHOUSE_PUBLIC_ORIGIN": "https://localhost",
    "GATEHOUSE_PROXY_HOPS": "1",  # so that every client has an address of its own
    "FRONTEND_WORKERS": "2",
    "AUTH_API_WORKERS": "2",
    "GATEHOUSE_SESSION_LIMIT": "0",  # nothing but the clients ends sessions
    # Writes often, as a site with a hundred times the users does.
    "GATEHOUSE_SLIDE_INTERVAL": "1s",
    "GATEHOUSE_GRACE": "5s",
}
_MAKE_USERS = """
import sys
from django.contrib.auth.hashers import make_password
from auth_api.users.models import User
from auth_api.sessions.tokens import new_ref
count, password = int(sys.stdin.readline()), make_password(sys.stdin.readline().strip())
users = [User(email=f"user{n}@example.com", password=password, email_verified=True) for n in range(count)]
User.objects.bulk_create(users)
"""


@dataclass
class System:
    """One running Gatehouse. `windows` are the times whose answers the last fault may forget, as documented."""

    name: str
    stack: Stack
    sentinels: Sentinels | None = None
    cluster: Cluster | None = None
    postgresql: PostgreSQL | None = None
    password: str = field(default="", repr=False)
    windows: list[tuple[float, float]] = field(default_factory=list)
    rounds: int = 0
    clients: list[Client] = field(default_factory=list)
    actors: list[Client] = field(default_factory=list)  # for what a fault itself wants to do

    def make_users(self) -> None:
        """Make enough accounts for all faults, so that each begins with new ones."""
        self.password = secrets.token_urlsafe(18)
        given = f"{_USERS * _ROUNDS}\n{self.password}\n"
        self.stack.manage("shell", "--no-imports", "-c", _MAKE_USERS, stdin=given)

    def renew(self) -> None:
        """Make new clients, each with an account and an address that nobody has used yet."""
        first = self.rounds * _USERS
        self.rounds += 1
        self.windows = []
        made = [self._client(first + n, watches=n < WATCHERS) for n in range(_USERS)]
        self.clients, self.actors = made[:-ACTORS], made[-ACTORS:]

    def _client(self, number: int, *, watches: bool) -> Client:
        site = Site(self.stack.web_port, f"198.51.{number // 250}.{number % 250 + 1}")
        return Client(site, f"user{number}@example.com", self.password, watches=watches)


@contextmanager
def _running(name: str, stack: Stack, **parts: object) -> Iterator[System]:
    with ExitStack() as cleanup:
        # Also what a fault left frozen, and without a word to those who wait.
        cleanup.enter_context(stack)
        cleanup.callback(_kill_services, stack)
        system = System(name, stack, **parts)  # type: ignore[arg-type]
        system.make_users()
        yield system


def _kill_services(stack: Stack) -> None:
    for name in list(stack.processes):
        stack.kill(name)


@contextmanager
def _alone() -> Iterator[System]:
    stack = Stack(**_SETTINGS)
    with tiny_disk(stack.valkey.folder), _running(ALONE, stack) as system:
        yield system


@contextmanager
def _with_postgresql() -> Iterator[System]:
    with tempfile.TemporaryDirectory(prefix="gh-tablespace-") as folder, ExitStack() as cleanup:
        cleanup.enter_context(tiny_disk(Path(folder)))
        database = cleanup.enter_context(PostgreSQL(tablespace=folder))
        # Snapshots that do not last, so that validations need the database.
        settings = _SETTINGS | {"DATABASE_URL": database.url, "GATEHOUSE_CARD_LIFETIME": "2s"}
        stack = Stack(**settings)
        yield cleanup.enter_context(_running(POSTGRESQL, stack, postgresql=database))


@contextmanager
def _with_sentinels() -> Iterator[System]:
    with Sentinels() as store:
        settings = _SETTINGS | {"REDIS_URL": store.url, "GATEHOUSE_REDIS_REPLICAS": "1"}
        with _running(SENTINEL, Stack(**settings), sentinels=store) as system:
            yield system


@contextmanager
def _with_cluster() -> Iterator[System]:
    with Cluster() as store:
        # Production refuses a cluster without replicas.
        settings = _SETTINGS | {"REDIS_URL": store.url, "GATEHOUSE_ENV": "development"}
        with _running(CLUSTER, Stack(**settings), cluster=store) as system:
            yield system


@contextmanager
def _with_replicas() -> Iterator[System]:
    with Cluster(replicas=True) as store:
        settings = _SETTINGS | {"REDIS_URL": store.url, "GATEHOUSE_REDIS_REPLICAS": "1"}
        with _running(CLUSTER_WITH_REPLICAS, Stack(**settings), cluster=store) as system:
            yield system


@contextmanager
def _with_own_clocks() -> Iterator[System]:
    with _running(CLOCKS, Stack(**_SETTINGS)) as system:
        for name in ("auth", "web"):
            give_own_clock(system.stack, name)
        yield system


SYSTEMS: dict[str, Callable[[], AbstractContextManager[System]]] = {
    ALONE: _alone,
    POSTGRESQL: _with_postgresql,
    SENTINEL: _with_sentinels,
    CLUSTER: _with_cluster,
    CLUSTER_WITH_REPLICAS: _with_replicas,
    CLOCKS: _with_own_clocks,
}


class Systems:
    """One system at a time, kept while the next fault is for the same one. A context manager."""

    def __init__(self) -> None:
        self._held = ExitStack()
        self._current: System | None = None

    def get(self, name: str) -> System:
        """Return the running system `name`."""
        if self._current is None or self._current.name != name:
            self.stop()
            find_postgresql()
            self._current = self._held.enter_context(SYSTEMS[name]())
        return self._current

    def stop(self) -> None:
        """Stop what runs: a fault broke it, or it is not needed any more."""
        self._current = None
        self._held.close()

    def __enter__(self) -> "Systems":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def find_postgresql() -> None:
    """Put PostgreSQL's programs on the PATH, where Debian does not."""
    found = [path for path in glob("/usr/lib/postgresql/*/bin") if path not in os.environ["PATH"]]
    os.environ["PATH"] = os.pathsep.join([os.environ["PATH"], *found])


def no_postgresql() -> str:
    """Why no fault of PostgreSQL can be tried, or ""."""
    find_postgresql()
    return "" if which("initdb") else "PostgreSQL is not installed (apt-get install postgresql)"

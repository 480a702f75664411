"""Faults of PostgreSQL and SQLite."""

import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from subprocess import CalledProcessError

import psycopg

from tests.postgresql import PostgreSQL
from tests.processes import wait_for

from .disks import full_disk, no_tiny_disk
from .fault import fault
from .systems import ALONE, POSTGRESQL, System, no_postgresql

# Longer than the site waits for auth_api: what goes on all the same shows as ghosts.
LOCKED = 7.0  # seconds


def _server(system: System) -> PostgreSQL:
    assert system.postgresql  # noqa: S101 - the system that the fault names
    return system.postgresql


@fault("PostgreSQL restarted", POSTGRESQL, hold=1, missing=no_postgresql)
def restarted(system: System) -> Iterator[None]:
    _server(system).stop("fast")
    yield
    _server(system).start()


@fault("PostgreSQL killed (kill -9)", POSTGRESQL, hold=1, missing=no_postgresql)
def killed(system: System) -> Iterator[None]:
    """All of its processes at once; a crash of one is a restart that it does itself."""
    _server(system).send(signal.SIGKILL)
    yield
    wait_for(lambda: _starts(_server(system)), "PostgreSQL to start again")


def _starts(server: PostgreSQL) -> bool:
    try:
        server.start()
    except CalledProcessError:  # what was killed is not gone yet
        return False
    return True


@fault("PostgreSQL frozen", POSTGRESQL, hold=LOCKED, missing=no_postgresql)
def frozen(system: System) -> Iterator[None]:
    with _server(system).frozen():
        yield


@fault("PostgreSQL: the table of users locked", POSTGRESQL, hold=LOCKED, missing=no_postgresql)
def locked(system: System) -> Iterator[None]:
    with psycopg.connect(_server(system).url) as connection:
        connection.execute("LOCK TABLE users_user IN ACCESS EXCLUSIVE MODE")
        yield


def _no_full_disk() -> str:
    return no_postgresql() or no_tiny_disk()


@fault("PostgreSQL's disk full", POSTGRESQL, missing=_no_full_disk)
def disk_full(system: System) -> Iterator[None]:
    with full_disk(Path(_server(system).tablespace)):
        yield


@fault("SQLite locked", ALONE, hold=LOCKED)
def sqlite_locked(system: System) -> Iterator[None]:
    file = system.stack.folder / "users.sqlite3"
    with closing(sqlite3.connect(file, timeout=30, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")

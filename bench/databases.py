"""Runs a benchmark on SQLite, and on PostgreSQL where its programs are on the PATH."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.postgresql import running_postgresql
from tests.valkey import ValkeyServer

_ROOT = Path(__file__).resolve().parents[1]


def on_each_database(module: str, *arguments: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the name of each database, and the lines that `module`, run on it, prints."""
    yield "SQLite", _lines(module, [*arguments, "--database", "SQLite"], "")
    if shutil.which("initdb"):
        with running_postgresql() as url:
            yield "PostgreSQL", _lines(module, [*arguments, "--database", "PostgreSQL"], url)


def _lines(module: str, arguments: list[str], url: str) -> list[str]:
    """Run `module` in a process of its own, since Django takes one database. `url`: "" for a new SQLite."""
    server = ValkeyServer("--appendonly", "no", "--maxmemory-policy", "noeviction")
    server.start()
    try:
        with tempfile.TemporaryDirectory(prefix="gh-bench-") as folder:
            done = subprocess.run(
                [sys.executable, "-m", module, *arguments],
                cwd=_ROOT,
                env={**os.environ, **_environment(server.url, url, folder)},
                check=True,
                text=True,
                stdout=subprocess.PIPE,
            )
    finally:
        server.stop()
    return done.stdout.splitlines()


def _environment(redis_url: str, url: str, folder: str) -> dict[str, str]:
    return {
        "GATEHOUSE_ENV": "test",
        "DJANGO_SETTINGS_MODULE": "auth_api.settings",
        "REDIS_URL": redis_url,
        "DATABASE_URL": url or f"sqlite:///{folder}/users.sqlite3",
        "GATEHOUSE_VAR": folder,
        "GATEHOUSE_LOG_LEVEL": "ERROR",
    }

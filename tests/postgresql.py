"""A throw-away PostgreSQL: `python -m tests.postgresql COMMAND...` runs a command with its DATABASE_URL.

Its programs must be on the PATH. The server refuses to run as root: then it is the user's that
Debian's package made.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.ports import free_port
from tests.processes import children_of

# A database that nobody needs after the run may lose its last second.
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class PostgreSQL:
    """A server in a temporary folder, and `url`, the DATABASE_URL of its database. A context manager.

    `settings` are server settings; with `tablespace`, a folder, the database's files are there.
    """

    def __init__(self, *settings: str, tablespace: str = "") -> None:
        self._owner = "postgres" if os.getuid() == 0 else None
        self._folder = tempfile.TemporaryDirectory(prefix="gh-postgresql-")
        self._settings, self.tablespace = settings, tablespace
        self._port = free_port()
        self._server = f"postgres://gatehouse@127.0.0.1:{self._port}"
        self.url = f"{self._server}/{'small' if tablespace else 'postgres'}"

    def start(self) -> None:
        options = [f"-p {self._port}", f"-k {self._folder.name}", "-c listen_addresses=127.0.0.1"]
        options += [f"-c {setting}" for setting in self._settings]
        log = f"{self._folder.name}/log"
        self._run("pg_ctl", "-D", self._data, "-l", log, "-w", "-o", " ".join(options), "start")

    def stop(self, mode: str = "immediate") -> None:
        """`mode` is pg_ctl's: `fast` disconnects its clients, `immediate` also crashes the server."""
        self._run("pg_ctl", "-D", self._data, "-m", mode, "stop")

    def send(self, signal_number: int) -> None:
        """Send a signal to all of its processes."""
        first = int(Path(self._data, "postmaster.pid").read_text().split()[0])
        os.kill(first, signal.SIGSTOP)  # so that it makes no more
        for pid in (*children_of(first), first):
            with suppress(ProcessLookupError):  # it has just ended
                os.kill(pid, signal_number)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop all of its processes: connections are accepted and stay open, and nothing answers."""
        self.send(signal.SIGSTOP)
        try:
            yield
        finally:
            self.send(signal.SIGCONT)

    @property
    def log(self) -> str:
        """What it has logged."""
        return Path(self._folder.name, "log").read_text()

    @property
    def _data(self) -> str:
        return f"{self._folder.name}/data"

    def _run(self, *command: str) -> None:
        folder = self._folder.name
        subprocess.run(command, user=self._owner, check=True, capture_output=True, cwd=folder)

    def _use_tablespace(self) -> None:
        if self._owner:
            shutil.chown(self.tablespace, self._owner)
        for statement in (
            f"CREATE TABLESPACE small LOCATION '{self.tablespace}'",
            "CREATE DATABASE small TABLESPACE small",
        ):
            self._run("psql", "-q", "-c", statement, f"{self._server}/postgres")

    def __enter__(self) -> "PostgreSQL":
        if self._owner:
            shutil.chown(self._folder.name, self._owner)
        self._run("initdb", "-D", self._data, "-A", "trust", "-U", "gatehouse", "-E", "UTF8")
        self.start()
        if self.tablespace:
            self._use_tablespace()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError, subprocess.CalledProcessError):  # it does not run any more
            self.send(signal.SIGCONT)
            self.stop()
        self._folder.cleanup()


@contextmanager
def running_postgresql() -> Iterator[str]:
    """Start a server in a temporary folder; give its DATABASE_URL."""
    with running_server() as server:
        yield server.url


def running_server() -> PostgreSQL:
    """Return a server for tests, a context manager."""
    return PostgreSQL(*_FAST)


def main(command: Sequence[str]) -> int:
    """Run `command` and return its exit status."""
    with running_postgresql() as url:
        return subprocess.run(command, env={**os.environ, "DATABASE_URL": url}).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

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
from dataclasses import dataclass
from pathlib import Path

from tests.ports import free_port

# A database that nobody needs after the run may lose its last second.
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


@dataclass(frozen=True)
class Server:
    """A running server, by its DATABASE_URL and the number of its first process."""

    url: str
    pid: int

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop all of its processes: connections are accepted and stay open, and nothing answers."""
        os.kill(self.pid, signal.SIGSTOP)  # first, so that it makes no more
        stopped = [self.pid, *_children(self.pid)]
        for pid in stopped[1:]:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in stopped:
                os.kill(pid, signal.SIGCONT)


@contextmanager
def running_postgresql() -> Iterator[str]:
    """Start a server in a temporary folder; give its DATABASE_URL."""
    with running_server() as server:
        yield server.url


@contextmanager
def running_server() -> Iterator[Server]:
    """Start a server in a temporary folder."""
    owner = "postgres" if os.getuid() == 0 else None
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="gh-postgresql-") as folder:
        if owner:
            shutil.chown(folder, owner)

        def run(*command: str) -> None:
            subprocess.run(command, user=owner, check=True, stdout=subprocess.DEVNULL, cwd=folder)

        data = f"{folder}/data"
        run("initdb", "-D", data, "-A", "trust", "-U", "gatehouse", "-E", "UTF8")
        options = [f"-p {port}", f"-k {folder}", "-c listen_addresses=127.0.0.1"]
        options += [f"-c {setting}" for setting in _FAST]
        log = f"{folder}/log"
        run("pg_ctl", "-D", data, "-l", log, "-w", "-o", " ".join(options), "start")
        try:
            url = f"postgres://gatehouse@127.0.0.1:{port}/postgres"
            yield Server(url, int(Path(f"{data}/postmaster.pid").read_text().split()[0]))
        finally:
            run("pg_ctl", "-D", data, "-m", "immediate", "stop")


def _children(parent: int) -> list[int]:
    """Return the child processes of `parent` (proc(5): the fourth field of stat)."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has just ended
            if int(stat.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(stat.parent.name))
    return found


def main(command: Sequence[str]) -> int:
    """Run `command` and return its exit status."""
    with running_postgresql() as url:
        return subprocess.run(command, env={**os.environ, "DATABASE_URL": url}).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""A throw-away PgBouncer in transaction mode: `python -m tests.pgbouncer COMMAND...` runs a command behind it.

It gives the command DATABASE_URL and DATABASE_POOLER. PgBouncer refuses to run as root, as PostgreSQL does.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.ports import free_port
from tests.postgresql import running_postgresql
from tests.processes import wait_for

_SERVER_CONNECTIONS = 4  # few, so that clients really share them


def pgbouncer_program() -> str | None:
    """Return the path of pgbouncer, which Debian installs where only root looks."""
    return shutil.which("pgbouncer", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")


@contextmanager
def running_pgbouncer(database_url: str) -> Iterator[str]:
    """Start a pooler in front of `database_url`; give the DATABASE_URL that goes through it."""
    parts, port = urlsplit(database_url), free_port()
    owner = "postgres" if os.getuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="gh-pgbouncer-") as folder:
        file = Path(folder, "pgbouncer.ini")
        file.write_text(_configuration(f"host={parts.hostname} port={parts.port}", port, folder))
        if owner:
            for path in (folder, file):
                shutil.chown(path, owner)
        process = subprocess.Popen(
            [pgbouncer_program() or "pgbouncer", "-q", str(file)], user=owner, cwd=folder
        )
        try:
            wait_for(lambda: _accepts(port), "PgBouncer to accept connections")
            yield f"postgres://gatehouse@127.0.0.1:{port}{parts.path}"
        finally:
            process.terminate()
            process.wait(30)


def _accepts(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def _configuration(server: str, port: int, folder: str) -> str:
    return f"""
[databases]
* = {server} user=gatehouse
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {_SERVER_CONNECTIONS}
max_client_conn = 200
logfile = {folder}/log
pidfile = {folder}/pid
"""


def main(command: Sequence[str]) -> int:
    """Run `command` and return its exit status."""
    with running_postgresql() as direct, running_pgbouncer(direct) as url:
        variables = {"DATABASE_URL": url, "DATABASE_POOLER": "transaction"}
        return subprocess.run(command, env={**os.environ, **variables}).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

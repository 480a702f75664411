"""Starts a service under gunicorn with settings that cannot work."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[1]


def start(
    project: str, folder: Path, *arguments: str, pass_fds: Sequence[int] = (), **variables: str
) -> list[str]:
    """Return what gunicorn printed, line by line. Raises AssertionError if it did not stop by itself."""
    command = [sys.executable, "-m", "gunicorn", "--config", f"python:{project}.gunicorn"]
    port = "FRONTEND_PORT" if project == "frontend_site" else "AUTH_API_PORT"
    done = subprocess.run(
        [*command, *arguments, f"{project}.wsgi"],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"], "GATEHOUSE_ENV": "production", "GATEHOUSE_VAR": str(folder),
            port: str(free_port()), **variables,
        },
        capture_output=True, text=True, timeout=120, pass_fds=pass_fds,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    return (done.stdout + done.stderr).splitlines()

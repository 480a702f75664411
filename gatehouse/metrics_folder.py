"""The folder in which the workers of one service keep their metrics (prometheus_client's multiprocess mode).

gunicorn's master makes it before the first worker starts, and imports no prometheus_client: its locks
would be older than gevent's patches (gatehouse/preflight.py).
"""

import os
import shutil
import tempfile

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client reads it when it is imported
dead: list[int] = []  # process ids of workers that ended; the next worker inherits the list


def create() -> None:
    """Make an empty folder that only this user can read, for the workers of this master.

    Not in GATEHOUSE_VAR: two instances of a service may share that one, and it may be read-only.
    """
    os.environ[VARIABLE] = tempfile.mkdtemp(prefix="gatehouse-metrics-")


def is_in_use() -> bool:
    """Whether this process shares its metrics with other workers."""
    return bool(os.environ.get(VARIABLE))


def remove() -> None:
    """Delete the folder; quiet without one."""
    if folder := os.environ.pop(VARIABLE, ""):
        shutil.rmtree(folder, ignore_errors=True)

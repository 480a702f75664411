"""The folder in which the workers of one service keep their metrics (prometheus_client's multiprocess mode).

gunicorn's master makes it before the first worker starts, and imports no prometheus_client: its locks
would be older than gevent's patches (gatehouse/preflight.py).
"""

import shutil
import tempfile
from pathlib import Path

from .env import metrics_folder, set_metrics_folder


def create() -> None:
    """Make an empty folder that only this user can read, for the workers of this master.

    Not in GATEHOUSE_VAR: two instances of a service may share that one, and it may be read-only.
    """
    set_metrics_folder(tempfile.mkdtemp(prefix="gatehouse-metrics-"))


def forget_worker(pid: int) -> None:
    """Delete the gauges of a worker that ended; its counters stay. Quiet without a folder.

    At once, while no other worker can have its process id. The names are those of prometheus_client's
    `mark_process_dead`.
    """
    if folder := metrics_folder():
        for file in Path(folder).glob(f"gauge_live*_{pid}.db"):
            file.unlink(missing_ok=True)


def remove() -> None:
    """Delete the folder; quiet without one."""
    if folder := metrics_folder():
        shutil.rmtree(folder, ignore_errors=True)
        set_metrics_folder("")

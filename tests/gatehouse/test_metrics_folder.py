"""The gauges of a worker that ended go, and those of a later worker with its process id stay."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest

from gatehouse import metrics_folder
from gatehouse.env import metrics_folder as folder_in_use
from gatehouse.gunicorn import child_exit

# As a worker does: prometheus_client names the files, after the process id.
WORKER = """
import os
from prometheus_client import Counter, Gauge
Counter("answers", "x").inc()
Gauge("streams", "x", multiprocess_mode="livesum").inc()
Gauge("newest", "x", multiprocess_mode="livemostrecent").set(1)
print(os.getpid())
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    metrics_folder.create()
    yield Path(folder_in_use())
    metrics_folder.remove()


def ended(pid: int) -> None:
    child_exit(Mock(), Mock(pid=pid))


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def test_the_gauges_of_a_worker_that_ended_go_and_its_counters_stay(folder: Path) -> None:
    pids = [
        int(subprocess.run([sys.executable, "-c", WORKER], capture_output=True, check=True).stdout)
        for _ in range(2)
    ]
    ended(pids[0])
    gauges = {f"gauge_livesum_{pids[1]}.db", f"gauge_livemostrecent_{pids[1]}.db"}
    assert names(folder) == {*gauges, *(f"counter_{pid}.db" for pid in pids)}


def test_a_worker_with_the_process_id_of_an_earlier_one_keeps_its_gauges(folder: Path) -> None:
    ended(12)
    mine = {"gauge_livesum_12.db", "gauge_livesum_112.db"}
    for name in mine:
        (folder / name).touch()
    ended(2)
    assert names(folder) == mine


def test_without_a_folder_nothing_happens() -> None:
    assert not folder_in_use()
    ended(12)

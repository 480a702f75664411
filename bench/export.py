"""Measures a long export: its time, and the CPU time and memory of both services' workers.

Usage: .venv/bin/python -m bench.export [EVENTS...]    (default: 500 5000 50000)
"""

import os
import sys
import time
from pathlib import Path

from tests.e2e.test_export import EMAIL, add_events
from tests.processes import JsonClient, Stack

TIMES = 3


def peak(pid: int) -> float:
    """Return the peak memory of a process, in MiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    kib = next(line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return int(kib) / 1024


def cpu(pid: int) -> float:
    """Return the user and system CPU time of a process, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def worker_of(stack: Stack, name: str) -> int:
    master = stack.processes[name].pid
    return int(Path(f"/proc/{master}/task/{master}/children").read_text().split()[0])


def measure(events: int) -> str:
    with Stack(GATEHOUSE_LOG_LEVEL="WARNING") as stack:
        client = JsonClient(stack.address)
        client.login(EMAIL, stack.make_user(EMAIL)).raise_for_status()
        client.get("/api/auth/account/export").raise_for_status()  # warm-up
        workers = {name: worker_of(stack, name) for name in ("auth", "web")}
        before = {name: peak(pid) for name, pid in workers.items()}
        add_events(stack, events)
        taken, busy = [], sum(map(cpu, workers.values()))
        for _ in range(TIMES):
            started = time.monotonic()
            answer = client.get("/api/auth/account/export")
            answer.raise_for_status()
            taken.append(time.monotonic() - started)
        busy = (sum(map(cpu, workers.values())) - busy) / TIMES
        more = {name: peak(pid) - before[name] for name, pid in workers.items()}
    size = len(answer.content) / 1024**2
    return (
        f"{events:>7} | {size:>8.1f} | {sorted(taken)[TIMES // 2]:>7.2f} | {busy:>5.2f} | "
        f"{more['auth']:>8.1f} | {more['web']:>8.1f}"
    )


def main() -> None:
    print(
        " events |      MiB | seconds | CPU s | auth MiB | web MiB  (median time; growth of the peak)"
    )
    for events in [int(text) for text in sys.argv[1:]] or [500, 5_000, 50_000]:
        print(measure(events), flush=True)


if __name__ == "__main__":
    main()

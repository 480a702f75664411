"""What honest clients get while thousands of slow ones hold connections.

Usage: .venv/bin/python -m bench.slow_clients [--before PATH] [--rounds 3] [--seconds 15] [--count 5000] [--write]

Eight clients ask for a signed-in user's page, each from its own address, with a new connection after every
twentieth page: first alone, then beside 5,000 unfinished bodies and 5,000 unfinished heads from 50 addresses
(bench/slow_flood.py). --before: a checkout of an earlier version, measured in turns with this one. A request
that takes longer than 10 s has failed. --write puts the table into docs/reference/benchmarks.md.
"""

import argparse
import http.client
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .page import write_block

ROOT = Path(__file__).resolve().parents[1]
_CLIENTS = 8
_PAGES = 20  # by one connection
_PATIENCE = 10  # seconds
_SERVE = """
from bench.systems import gatehouse
with gatehouse() as (system, _):
    print(system.address.rpartition(":")[2], system.cookie, flush=True)
    input()
"""


@dataclass
class Figures:
    """What eight clients got in `seconds`: milliseconds of each page, and how many requests failed."""

    seconds: float
    times: list[float] = field(default_factory=list)
    failed: int = 0

    @property
    def rate(self) -> float:
        return len(self.times) / self.seconds

    @property
    def p99(self) -> float:
        return statistics.quantiles(self.times, n=100)[98] if len(self.times) > 1 else float("inf")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    versions = {"before": options.before} if options.before else {}
    versions["with limits"] = ROOT
    rows = []
    for _ in range(options.rounds):
        for name, root in versions.items():
            rows.append((name, *_round(root, options.seconds, options.count)))
            print(_row(*rows[-1]), flush=True)
    report = _render(rows, options.count)
    print(report)
    if options.write:
        write_block("bench.slow_clients", report)


def _round(root: Path, seconds: float, count: int) -> tuple[Figures, Figures]:
    """Measure the version at `root` alone, and beside the flood."""
    with _running([sys.executable, "-c", _SERVE], root) as served:
        port, _, cookie = served.partition(" ")
        _honest(int(port), cookie, 2)  # warms up
        alone = _honest(int(port), cookie, seconds)
        with _running([sys.executable, "-m", "bench.slow_flood", port, str(count)], ROOT):
            return alone, _honest(int(port), cookie, seconds)


@contextmanager
def _running(command: list[str], root: Path) -> Iterator[str]:
    """Run `command` in `root` until it has printed a line, which is yielded; end it afterwards."""
    process = subprocess.Popen(
        command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("no pipes")
    try:
        line = process.stdout.readline().strip()
        if not line:
            raise RuntimeError(f"{command} has ended")
        yield line
    finally:
        if "-c" in command:
            process.stdin.close()  # its input() ends, and with it the service
        else:
            process.terminate()
        process.wait()


def _honest(port: int, cookie: str, seconds: float) -> Figures:
    figures, end = Figures(seconds), time.monotonic() + seconds
    threads = [
        threading.Thread(target=_ask, args=(f"127.0.1.{n}", port, cookie, end, figures))
        for n in range(1, _CLIENTS + 1)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return figures


def _ask(address: str, port: int, cookie: str, end: float, figures: Figures) -> None:
    headers = {"Host": "localhost", "Cookie": cookie, "Sec-Fetch-Site": "same-origin"}
    while time.monotonic() < end:
        connection = http.client.HTTPConnection(
            "127.0.0.1", port, timeout=_PATIENCE, source_address=(address, 0)
        )
        with closing(connection):
            for _ in range(_PAGES):
                began = time.monotonic()
                if began > end or not _page(connection, headers):
                    figures.failed += began <= end
                    break
                figures.times.append((time.monotonic() - began) * 1000)


def _page(connection: http.client.HTTPConnection, headers: dict[str, str]) -> bool:
    try:
        connection.request("GET", "/account", headers=headers)
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):
        return False
    return answer.status == 200


def _row(name: str, alone: Figures, beside: Figures) -> str:
    return (
        f"| {name} | {alone.rate:.0f} | {beside.rate:.0f} | {beside.rate / alone.rate:.2f} | "
        f"{alone.p99:.0f} | {beside.p99:.0f} | {beside.failed} |"
    )


def _render(rows: list[tuple[str, Figures, Figures]], count: int) -> str:
    return "\n".join(
        [
            f"{count:,} unfinished bodies and {count:,} unfinished heads, {_CLIENTS} honest clients, "
            "2 workers of each service. All of it runs on one machine, the flood as well.",
            "",
            "| | requests/s alone | beside the flood | ratio | p99 ms alone | beside the flood | failed |",
            "| --- | --- | --- | --- | --- | --- | --- |",
            *(_row(*row) for row in rows),
        ]
    )


if __name__ == "__main__":
    main()

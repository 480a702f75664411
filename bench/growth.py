"""What grows with workers, sessions and time, and what must not.

Usage: .venv/bin/python -m bench.growth [--requests 1000000] [--write]    (needs requirements-bench.txt and wrk)
A million requests take about twelve minutes; everything else takes four. `--write`: docs/reference/benchmarks.md.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from tests.processes import JsonClient, Stack

from . import sessions
from .load import Round, drive, require_wrk
from .page import write_block
from .systems import EMAIL, System, gatehouse, monolith

ROUNDS = 5
SECONDS = 3
STORES = (1_000, 100_000, 1_000_000)  # sessions in the store
OF_ONE = (1, 10, 100, 1_000)  # sessions of one user
STARTS = 5
AT_ONCE = 4
WARM_UP = 20_000  # requests before memory is looked at


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    require_wrk()
    parts = [_workers(), *_one_stack(arguments.requests)]
    report = "\n\n".join(parts)
    print(report)
    if arguments.write:
        write_block("bench.growth", report)


def _one_stack(requests: int) -> Iterator[str]:
    with gatehouse(GATEHOUSE_SESSION_LIMIT="0") as (system, stack):
        drive(system, "/account", seconds=2, cookie=True)
        yield _of_one_user(system, stack)
        yield _in_the_store(system, stack)
        yield _memory(system, requests)
        yield _start_up(stack)


def _workers() -> str:
    """Both sizes of both systems stand side by side and are asked in turns."""
    with ExitStack() as stack, tempfile.TemporaryDirectory(prefix="gh-bench-") as folder:
        systems: list[tuple[str, int, System]] = []
        for workers in (1, 2):
            place = Path(folder) / str(workers)
            place.mkdir()
            ours, _ = stack.enter_context(gatehouse(workers=workers))
            theirs = stack.enter_context(monolith("cache", place, workers=workers))
            systems += [("Gatehouse", workers, ours), ("Django, cache", workers, theirs)]
        for _, _, system in systems:
            drive(system, "/account", seconds=2, cookie=True)
        rounds: list[list[Round]] = [[] for _ in systems]
        for _ in range(ROUNDS):
            for (_, _, system), mine in zip(systems, rounds, strict=True):
                mine.append(drive(system, "/account", seconds=SECONDS, cookie=True))
    lines = [
        "| authenticated pages, 16 connections | workers of each service | requests/s | CPU-ms |",
        "| --- | --- | --- | --- |",
    ]
    for (name, workers, _), mine in zip(systems, rounds, strict=True):
        rate = statistics.median(one.rate for one in mine)
        cpu = statistics.median(one.total_cpu for one in mine)
        lines.append(f"| {name} | {workers} | {rate:.0f} | {cpu:.2f} |")
    return "\n".join(lines)


def _latency(system: System, path: str) -> float:
    """Median milliseconds of one request after the other."""
    asked = [drive(system, path, seconds=2, cookie=True, connections=1) for _ in range(ROUNDS)]
    return statistics.median(one.p50 for one in asked)


def _of_one_user(system: System, stack: Stack) -> str:
    lines = [
        "| sessions of one user | page, p50 ms | list of them, p50 ms |",
        "| --- | --- | --- |",
    ]
    there = 1
    for wanted in OF_ONE:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda _: _sign_in(system, stack), range(wanted - there)))
        there = wanted
        page, listed = _latency(system, "/account"), _latency(system, "/api/auth/sessions")
        lines.append(f"| {wanted:,} | {page:.2f} | {listed:.2f} |")
    return "\n".join(lines)


def _sign_in(system: System, stack: Stack) -> None:
    JsonClient(stack.address).login(EMAIL, system.password).raise_for_status()


def _in_the_store(system: System, stack: Stack) -> str:
    client = stack.valkey.client()
    client.execute_command("CONFIG", "SET", "appendonly", "no")  # not what is measured here
    lines = ["| sessions in the store | page, p50 ms |", "| --- | --- |"]
    there = 0
    with tempfile.TemporaryDirectory(prefix="gh-bench-") as folder:
        sessions.set_up(stack.valkey.url, folder)
        for wanted in STORES:
            sessions.fill(wanted - there)
            there = wanted
            lines.append(f"| {wanted:,} | {_latency(system, '/account'):.2f} |")
    return "\n".join(lines)


def _memory(system: System, requests: int) -> str:
    """Memory of all workers after each fifth of the way."""
    lines: list[str] = []
    names = [name for name in system.processes if name != "valkey"]
    done, next_look = 0, WARM_UP
    while done < requests + WARM_UP:
        if done >= next_look:
            now = system.memory()
            lines.append(f"| {done:,} | " + " | ".join(f"{now[n]:.0f}" for n in names) + " |")
            next_look = WARM_UP + requests * len(lines) // 5
        done += int(drive(system, "/account", seconds=20, cookie=True).rate * 20)
    now = system.memory()
    lines.append(f"| {done:,} | " + " | ".join(f"{now[n]:.0f}" for n in names) + " |")
    head = "| requests | " + " | ".join(f"{n}, MiB (2 workers)" for n in names) + " |"
    return "\n".join([head, "| --- " * (len(names) + 1) + "|", *lines])


def _start_up(stack: Stack) -> str:
    lines = ["| from the command to the first answer | seconds |", "| --- | --- |"]
    for title, name in (("frontend_site", "web"), ("auth_api", "auth")):
        taken = []
        for _ in range(STARTS):
            stack.stop(name)
            start = time.monotonic()
            stack.start(name)
            taken.append(time.monotonic() - start)
        lines.append(f"| {title} | {statistics.median(taken):.2f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()

"""The whole path under load, against a Django monolith, interleaved in one run.

Usage: script/bench [--quick] [--write]    (--quick: two minutes; --write: docs/reference/benchmarks.md and the chart)
"""

import argparse
import statistics
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import django
import psutil

from tests.frontend_site.upstreams.service import Service

from .load import Round, drive, require_wrk
from .login import crowd_table, login_table
from .page import write_block
from .systems import System, gatehouse, monolith

IMAGE = Path(__file__).resolve().parents[1] / "docs" / "images" / "benchmark.png"


@dataclass(frozen=True)
class Case:
    """One kind of request."""

    title: str
    path: str
    cookie: bool = True
    expect: int = 200
    aim: str = ""  # CPU against the monolith's page


CASES = (
    Case("authenticated page", "/account", aim="0.68"),
    Case("`/api/auth/session`", "/api/auth/session", aim="0.55"),
    Case("public page", "/", cookie=False),
    Case("redirect without a cookie", "/account", cookie=False, expect=302, aim="0.20"),
    Case("list of sessions", "/api/auth/sessions"),
    Case("GET of an upstream", "/api/bench/echo", aim="0.75"),
)


def main() -> None:
    arguments = _arguments()
    require_wrk()
    rounds, seconds = (3, 2) if arguments.quick else (9, 4)
    service = Service()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gh-bench-")))
        names = {"GATEHOUSE_UPSTREAMS": f"bench={service.url}"}
        names["GATEHOUSE_ACCESS_RULES"] = "/api/bench/=signed-in"
        ours, running = stack.enter_context(gatehouse(**names))
        cache = stack.enter_context(monolith("cache", folder))
        cached_db = stack.enter_context(monolith("cached_db", folder))
        for system in (ours, cache, cached_db):
            drive(system, "/account", seconds=2, cookie=True)
        table = _compare(ours, cache, cached_db, rounds, seconds)
        memory = _memory((ours, cache, cached_db))
        crowd = crowd_table(ours, running)
        logins = login_table(ours, running, cache, count=100 if arguments.quick else 400)
    service.shutdown()
    report = "\n\n".join((_versions(), _render(table), _shares(table), memory, crowd, logins))
    print(report)
    if arguments.write:
        write_block("bench.web", report)
        _draw(table)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--write", action="store_true")
    return parser.parse_args()


Table = dict[str, tuple[Case, list[Round], list[Round]]]  # title: case, its rounds, the monolith's


def _compare(ours: System, cache: System, cached_db: System, rounds: int, seconds: float) -> Table:
    """Each round of ours beside one of the monolith's page, so that both meet the same machine."""
    table: Table = {case.title: (case, [], []) for case in CASES}
    other = Case("Django, cached_db: the page", "/account")
    table[other.title] = (other, [], [])
    for _ in range(rounds):
        for case, mine, theirs in table.values():
            system = cached_db if case is other else ours
            mine.append(
                drive(system, case.path, seconds=seconds, cookie=case.cookie, expect=case.expect)
            )
            theirs.append(drive(cache, "/account", seconds=seconds, cookie=True))
    return table


def _versions() -> str:
    parser = "C" if find_spec("gunicorn_h1c") else "Python"
    return (
        f"Django {django.get_version()}, Python {sys.version.split()[0]}, {psutil.cpu_count()} processors, "
        f"gunicorn's {parser} parser for everybody, "
        "2 workers each, 16 connections. Medians, and ratios to the monolith's page (Django, cache engine on "
        "django-redis, no sliding) in the round beside it, with their spread."
    )


def _ratio(values: list[float]) -> str:
    low, high = min(values), max(values)
    return f"{statistics.median(values):.2f} ({low:.2f} to {high:.2f})"


def _render(table: Table) -> str:
    lines = [
        "| | CPU-ms a request | CPU, ratio | aim | requests/s | rate, ratio | p50 ms | p99 ms | p99, ratio |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    page = [theirs for _, _, theirs in table.values()]
    everything = [one for rounds in page for one in rounds]
    lines.append(_row("Django, cache: the page", everything, everything, "1"))
    for title, (case, mine, theirs) in table.items():
        lines.append(_row(title, mine, theirs, case.aim))
    return "\n".join(lines)


def _row(title: str, mine: list[Round], theirs: list[Round], aim: str) -> str:
    def median(values: list[float]) -> float:
        return statistics.median(values)

    pairs = list(zip(mine, theirs, strict=True))
    cells = [
        title,
        f"{median([m.total_cpu for m in mine]):.2f}",
        _ratio([m.total_cpu / t.total_cpu for m, t in pairs]),
        aim,
        f"{median([m.rate for m in mine]):.0f}",
        _ratio([m.rate / t.rate for m, t in pairs]),
        f"{median([m.p50 for m in mine]):.1f}",
        f"{median([m.p99 for m in mine]):.1f}",
        _ratio([m.p99 / t.p99 for m, t in pairs]),
    ]
    return "| " + " | ".join(cells) + " |"


def _shares(table: Table) -> str:
    names = ("frontend_site", "auth_api", "valkey")
    lines = [
        "| CPU-ms a request, by process | " + " | ".join(names) + " |",
        "| --- | --- | --- | --- |",
    ]
    for title, (_, mine, _theirs) in table.items():
        if names[0] in mine[0].cpu:
            cells = [f"{statistics.median([m.cpu[n] for m in mine]):.2f}" for n in names]
            lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _memory(systems: tuple[System, ...]) -> str:
    lines = ["| memory after the run, MiB (all workers) | |", "| --- | --- |"]
    for system in systems:
        for name, size in system.memory().items():
            lines.append(f"| {system.name}: {name} | {size:.0f} |")
    return "\n".join(lines)


def _draw(table: Table) -> None:
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    theirs = [one.total_cpu for _, _, rounds in table.values() for one in rounds]
    bars = {"Django, cache: the page": statistics.median(theirs)}
    bars |= {t: statistics.median([m.total_cpu for m in mine]) for t, (_, mine, _) in table.items()}
    figure, axes = pyplot.subplots(figsize=(8, 3.4), layout="constrained")
    titles = [title.replace("`", "") for title in reversed(bars)]
    colours = ["#8a918c" if title.startswith("Django") else "#1f5a48" for title in titles]
    drawn = axes.barh(titles, list(reversed(bars.values())), color=colours)
    axes.bar_label(drawn, fmt="%.2f", padding=3, fontsize=8)
    axes.set_xlabel("CPU milliseconds of the whole stack for one request")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(IMAGE, dpi=120)


if __name__ == "__main__":
    main()

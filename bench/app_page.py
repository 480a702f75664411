"""What a page of an app in the site costs beside /account.

Usage: .venv/bin/python -m bench.app_page [--seconds 5] [--rounds 3] [--write]    (needs wrk and PostgreSQL)

CPU of all our processes per request, those of PostgreSQL not counted; the best of some rounds, in which the pages take turns. Each page
makes one call to auth_api; those with a query make one to PostgreSQL. --write puts the table into
docs/reference/benchmarks.md.
"""

import argparse

from tests.postgresql import running_server

from .load import drive, require_wrk
from .page import write_block
from .systems import gatehouse

PAGES = {
    "/account": "/account",
    "an app's view with `request.user`": "/pages/user/jinja2",
    "the same with one query": "/pages/query/jinja2",
    "with one query, in Django's templates": "/pages/query/django",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    require_wrk()
    table = _table(_measure(arguments.seconds, arguments.rounds))
    print(table)
    if arguments.write:
        write_block("bench.app_page", table)


def _measure(seconds: int, rounds: int) -> dict[str, float]:
    """Return the milliseconds of CPU of one request, by page."""
    apps = {"GATEHOUSE_APPS": "bench.peers.pages,examples.notes", "GATEHOUSE_LOG_LEVEL": "WARNING"}
    with (
        running_server() as postgresql,
        gatehouse(SITE_DATABASE_URL=postgresql.url, **apps) as (system, stack),
    ):
        stack.manage("site", "migrate", "-v0")
        found: dict[str, list[float]] = {title: [] for title in PAGES}
        for path in PAGES.values():
            drive(system, path, seconds=1, cookie=True)
        for _ in range(rounds):
            for title, path in PAGES.items():
                done = drive(system, path, seconds=seconds, cookie=True)
                found[title].append(done.total_cpu)
    return {title: min(values) for title, values in found.items()}


def _table(found: dict[str, float]) -> str:
    usual = found["/account"]
    lines = ["| page | CPU-ms | beside /account |", "| --- | --- | --- |"]
    lines += [f"| {title} | {cpu:.2f} | {cpu / usual:.2f} |" for title, cpu in found.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    main()

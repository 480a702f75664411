"""How long the pages of the admin take at 100,000 users and 1,000,000 events, and how many queries.

Usage: .venv/bin/python -m bench.admin_pages [--users 100000] [--events 1000000] [--write]
On SQLite, and on PostgreSQL where its programs are on the PATH. `--write`: docs/reference/benchmarks.md.
"""

import argparse
import statistics
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from .databases import on_each_database
from .page import write_block

BATCH = 1000
CHOSEN = 5000  # users whose sessions are ended from the list
TIMES = 5


def main() -> None:
    arguments = _arguments()
    if arguments.database:
        print("\n".join(f"RESULT {line}" for line in _measured(arguments)))
        return
    sizes = ("--users", str(arguments.users), "--events", str(arguments.events))
    runs = on_each_database("bench.admin_pages", *sizes)
    columns = {database: _column(lines) for database, lines in runs}
    report = _table(columns, arguments)
    print(report)
    if arguments.write:
        write_block("bench.admin_pages", report)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--database", default="", help=argparse.SUPPRESS)  # in its own process
    return parser.parse_args()


def _table(columns: dict[str, dict[str, str]], arguments: argparse.Namespace) -> str:
    size = f"{arguments.users:,} users, {arguments.events:,} events"
    head = f"| {size} | " + " | ".join(f"{name}: queries, ms" for name in columns) + " |"
    rows = [
        f"| {page} | " + " | ".join(column.get(page, "") for column in columns.values()) + " |"
        for page in next(iter(columns.values()))
    ]
    return "\n".join([head, "| --- " * (len(columns) + 1) + "|", *rows])


def _column(printed: list[str]) -> dict[str, str]:
    results = (line for line in printed if line.startswith("RESULT "))
    return dict(line.removeprefix("RESULT ").split(" = ", 1) for line in results)


def _measured(arguments: argparse.Namespace) -> Iterator[str]:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    _fill(arguments.users, arguments.events)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    browser = _browser()
    for name, path in _pages().items():
        queries, milliseconds = _timed(browser, path)
        yield f"{name} = {queries}, {milliseconds:.0f}"
    yield f"all sessions of {CHOSEN:,} users ended from the list, s = {_end_many(browser):.1f}"


def _browser() -> Any:
    from auth_api.users.models import User
    from tests.auth_api.sessions.conftest import PASSWORD
    from tests.auth_api.users.admin_browser import AdminBrowser

    User.objects.create_superuser("root@example.com", PASSWORD)
    browser = AdminBrowser()
    browser.login("root@example.com")
    return browser


def _pages() -> dict[str, str]:
    from auth_api.users.models import User

    users, log = "/admin/users/user/", "/admin/security_log/securityevent/"
    someone = User.objects.get(email="p7@example.com")
    day = datetime.now(UTC) - timedelta(days=3)
    on_a_day = f"at__year={day.year}&at__month={day.month}&at__day={day.day}"
    return {
        "users": users,
        "users, last page": f"{users}?p={User.objects.count() // 100}",
        "users, by a part of the address": f"{users}?q=p7777",
        "users, deactivated": f"{users}?is_active__exact=0",
        "a user": f"{users}{someone.pk}/change/",
        "the security log": log,
        "log, page 100": f"{log}?p=100",
        "log, a rare event": f"{log}?kind__exact=account.unlocked",
        "log, by staff": f"{log}?by__exact=staff",
        "log, of a day": f"{log}?{on_a_day}",
        "log, of a user": f"{log}?user__id__exact={someone.pk}",
        "log, by an e-mail address": f"{log}?q=p7@example.com",
        "log, by a network address": f"{log}?q=198.51.100.77",
        "log, by a request": f"{log}?q=request-of-round-3",
    }


def _timed(browser: Any, path: str) -> tuple[int, float]:
    """Return the number of queries, and the median of the times in ms."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    browser.get(path)
    times = []
    with CaptureQueriesContext(connection) as captured:
        for _ in range(TIMES):
            start = time.perf_counter()
            answer = browser.get(path)
            times.append((time.perf_counter() - start) * 1000)
            if answer.status_code != 200:
                raise RuntimeError(f"{path}: {answer.status_code}")
    return len(captured) // TIMES, statistics.median(times)


def _end_many(browser: Any) -> float:
    from tests.auth_api.users.admin_browser import USERS, confirm, form_of

    path = f"{USERS}?q=p1"
    chosen = {"action": "end_all_sessions", "select_across": "1", "_selected_action": "x"}
    page = browser.post(path, chosen, page=USERS)
    start, batches = time.perf_counter(), 0
    page = confirm(browser, page, path)
    while page.status_code == 200 and (batches := batches + 1) < CHOSEN // BATCH:
        page = browser.post(path, form_of(page), page="/admin/password_change/")
    return time.perf_counter() - start


def _fill(users: int, events: int) -> None:
    """Make users without hashing, and their events, in one statement for 1,000 users."""
    from auth_api.users.models import User

    User.objects.bulk_create(
        [
            User(email=f"p{n}@example.com", password="!", email_verified=True, is_active=n % 50 > 0)  # noqa: S106
            for n in range(users)
        ],
        batch_size=BATCH,
    )
    pks = list(User.objects.order_by("pk").values_list("pk", flat=True))
    for number in range(events // users):
        for start in range(0, users, BATCH):
            _record(number, pks[start : start + BATCH], start, (number * users + start) / events)


def _record(number: int, pks: list[Any], start: int, age: float) -> None:
    """`age`: from 0, now, to 1, the oldest."""
    from auth_api.security_log.events import Event, insert_for_users
    from auth_api.security_log.kinds import Kind
    from auth_api.security_log.origin import Origin

    rare = number == 0 and start == 0  # 1,000 of a million
    kind = Kind.UNLOCKED if rare else (Kind.SIGNED_IN, Kind.SESSION_ENDED)[number % 2]
    address = "198.51.100.77" if rare else f"203.0.{number}.{start // BATCH % 250}"
    origin = Origin("staff" if rare else "owner", address, "Firefox", f"request-{number}-{start}")
    if number == 3 and start == 0:
        origin = Origin("owner", address, "Firefox", "request-of-round-3")
    at = datetime.now(UTC) - timedelta(days=150 * age)
    handle = f"session-{number}-{start}"
    insert_for_users(pks, Event(kind, origin, user_id=pks[0], handle=handle, at=at))


if __name__ == "__main__":
    main()

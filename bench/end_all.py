"""How long `end_sessions --all` takes: every session of every user, in batches.

Usage: .venv/bin/python -m bench.end_all [--users 100000] [--sessions 10000] [--write]
On SQLite, and on PostgreSQL where its programs are on the PATH. `--write`: docs/reference/benchmarks.md.
"""

import argparse
import io
import time

from .databases import on_each_database
from .page import write_block


def main() -> None:
    arguments = _arguments()
    if arguments.database:
        print(_measured(arguments))
        return
    sizes = ("--users", str(arguments.users), "--sessions", str(arguments.sessions))
    runs = on_each_database("bench.end_all", *sizes)
    rows = [f"| {database} | {lines[-1]} |" for database, lines in runs]
    head = f"| `end_sessions --all`, {arguments.users:,} users | seconds | ms a batch of 1,000 users, longest |"
    report = "\n".join([head, "| --- | --- | --- |", *rows])
    print(report)
    if arguments.write:
        write_block("bench.end_all", report)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--sessions", type=int, default=10_000)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--database", default="", help=argparse.SUPPRESS)  # in its own process
    return parser.parse_args()


class _Times(io.StringIO):
    """The progress that the command writes, and when."""

    def __init__(self) -> None:
        super().__init__()
        self.at = [time.perf_counter()]

    def write(self, text: str) -> int:
        self.at.append(time.perf_counter())
        return super().write(text)


def _measured(arguments: argparse.Namespace) -> str:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    tokens = _fill(arguments.users, arguments.sessions)
    times = _Times()
    start = time.perf_counter()
    call_command("end_sessions", "--all", stdout=io.StringIO(), stderr=times)
    taken = time.perf_counter() - start
    _require_dead(tokens)
    longest = max(b - a for a, b in zip(times.at, times.at[1:], strict=False))
    return f"{taken:.1f} | {longest * 1000:.0f}"


def _fill(users: int, sessions: int) -> list[str]:
    """Make users without hashing, and sign some of them in, evenly; return the tokens."""
    from auth_api.sessions.records import NewSession
    from auth_api.sessions.store import SessionStore
    from auth_api.users.models import User

    User.objects.bulk_create(
        [User(email=f"p{n}@example.com", password="!", email_verified=True) for n in range(users)],  # noqa: S106
        batch_size=1000,
    )
    tokens = []
    for number, user in enumerate(User.objects.order_by("pk").iterator()):
        if number % max(1, users // sessions) == 0:
            store = SessionStore()
            store.sign_in(user, NewSession(methods=("pwd",)))
            tokens.append(str(store.session_key))
    return tokens


def _require_dead(tokens: list[str]) -> None:
    from auth_api.sessions.exceptions import NoSession, SessionEnded
    from auth_api.sessions.store import SessionStore

    for token in tokens:
        try:
            SessionStore(token).validate()
        except (NoSession, SessionEnded):
            continue
        raise RuntimeError("a session lives")


if __name__ == "__main__":
    main()

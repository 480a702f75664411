"""What a session costs: bytes, CPU and growth, against Django's cache engine on django-redis.

Usage: .venv/bin/python -m bench.sessions [--sessions 100000 1000000] [--write]
Both engines run in one process on the same embedded server, interleaved; only ratios of one run
mean anything. `--write` puts the tables into docs/reference/benchmarks.md.
"""

import argparse
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tests.valkey import ValkeyServer

from .page import write_block

ROOT = Path(__file__).resolve().parents[1]
BATCH = 250  # the store refuses a session whose time was read two seconds ago
ROUNDS = 9
CALLERS = 3  # processes at once
CALLS = 3000  # of each engine in a round


def main() -> None:
    arguments = _arguments()
    server = ValkeyServer("--appendonly", "no", "--maxmemory-policy", "noeviction")
    server.start()
    try:
        with tempfile.TemporaryDirectory(prefix="gh-bench-") as folder:
            set_up(server.url, folder)
            report = _report(server.client(), arguments.sessions)
    finally:
        server.stop()
    print(report)
    if arguments.write:
        write_block("bench.sessions", report)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--write", action="store_true")
    return parser.parse_args()


def set_up(url: str, folder: str) -> None:
    """Make this process one of auth_api, on the store at `url`."""
    os.environ.update(
        GATEHOUSE_ENV="test",
        DJANGO_SETTINGS_MODULE="auth_api.settings",
        REDIS_URL=url,
        DATABASE_URL=f"sqlite:///{folder}/users.sqlite3",
        GATEHOUSE_VAR=folder,
        GATEHOUSE_SESSION_LIMIT="0",
    )
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    settings.CACHES["default"] = settings.CACHES["sessions"]
    call_command("migrate", verbosity=0)


def _report(client: Any, sizes: Iterable[int]) -> str:
    parts = [f"Valkey {client.info('server')['valkey_version']}, Python {sys.version.split()[0]}."]
    parts += [_memory(client, size) for size in sizes]
    parts += [_cpu(client), _growth(client, max(sizes)), _end_all(client)]
    return "\n\n".join(parts)


# -- the two engines ------------------------------------------------------------------------------


def _person(number: int) -> Any:
    """A user as the engine sees one; not in the database, which is not what is measured here."""
    from auth_api.users.models import User

    return User(email=f"person{number}@example.com", name=f"Person {number}", email_verified=True)


def _fill_ours(client: Any, people: int, each: int = 1, *, bound: bool = True) -> list[str]:
    """Make sessions as SessionStore does, in pipelines; return some of their tokens."""

    from auth_api.options import options
    from auth_api.sessions import snapshots
    from auth_api.sessions.codec import session_codec
    from auth_api.sessions.login import login_data
    from auth_api.sessions.payloads import pack_payload
    from auth_api.sessions.records import FORMAT, Flag, Header, Shown, SignIn
    from auth_api.sessions.redis.backend import backend
    from auth_api.sessions.redis.held import RUN_BYTES
    from auth_api.sessions.redis.keys import index_key, record_key, snapshot_key
    from auth_api.sessions.tokens import SessionToken

    codec, limits = session_codec(), options()
    flags = Flag.BOUND if bound else 0
    script = backend._scripts["create"]
    client.script_load(script.text)
    run = client.info("replication")["master_replid"][:RUN_BYTES]
    kept: list[str] = []
    for start in range(0, people, BATCH):
        pipe = client.pipeline(transaction=False)
        for number in range(start, min(start + BATCH, people)):
            user = _person(number)
            snapshot = snapshots.make_snapshot(user)
            sealed = codec.seal_snapshot(user.session_ref, snapshot)
            payload = pack_payload(login_data(user), 1)
            for _ in range(each):
                token = SessionToken.new(user.session_ref)
                now = int(time.time())
                header = Header(
                    FORMAT, flags, limits.session_idle, limits.session_absolute, 1, now, now
                )
                about = SignIn(
                    token.handle, "203.0.113.77", "Chrome 156 on Linux", (Shown("pwd", now),)
                )
                keys = (
                    record_key(token.ref, token.id_hash), index_key(token.ref), snapshot_key(token.ref),
                )  # fmt: skip
                body = codec.seal_record(token, header, about, payload)
                pipe.evalsha(
                    script.sha, 3, *keys, header.pack(), body, token.id_hash, 0, "end-oldest",
                    sealed, 3600, run, run,
                )  # fmt: skip
            if number % max(1, people // CALLS) == 0:
                kept.append(token.value)
        pipe.execute()
    return kept


def _fill_djangos(client: Any, people: int) -> list[str]:
    """The same sessions by Django's cache engine; its own encoding and key names."""
    from django.contrib.sessions.backends.cache import SessionStore
    from django.core.cache import caches
    from django.utils.crypto import get_random_string

    encode = caches["default"].client.encode
    kept = []
    for start in range(0, people, BATCH):
        pipe = client.pipeline(transaction=False)
        for number in range(start, min(start + BATCH, people)):
            data = {
                "_auth_user_id": str(_person(number).id),
                "_auth_user_backend": "django.contrib.auth.backends.ModelBackend",
                "_auth_user_hash": get_random_string(64, "0123456789abcdef"),
            }
            key = get_random_string(32, "abcdefghijklmnopqrstuvwxyz0123456789")
            name = caches["default"].make_key(SessionStore.cache_key_prefix + key)
            pipe.set(str(name), encode(data), ex=1209600)
            if number % max(1, people // CALLS) == 0:
                kept.append(key)
        pipe.execute()
    return kept


def _fill_records(client: Any, people: int) -> list[str]:
    return _fill_ours(client, people, bound=False)


def _fill_threes(client: Any, people: int) -> list[str]:
    return _fill_ours(client, people, each=3)


def _spread(fill: Callable[[Any, int], list[str]], people: int) -> list[str]:
    """Fill by two processes, since sealing is the slow part; return some of the keys."""
    with multiprocessing.get_context("fork").Pool(2) as pool:
        halves = pool.starmap(_fill_by_its_own, [(fill, people // 2), (fill, people - people // 2)])
    return [key for half in halves for key in half]


def fill(people: int) -> None:
    """Make sessions of strangers in the store that `set_up` named."""
    _spread(_fill_ours, people)


def _fill_by_its_own(fill: Callable[[Any, int], list[str]], people: int) -> list[str]:
    from auth_api.sessions.redis.connections import connection

    return fill(connection(), people)


# -- tables ---------------------------------------------------------------------------------------


def _used(client: Any) -> int:
    time.sleep(0.3)  # memory that is freed in the background
    used: int = client.info("memory")["used_memory"]
    return used


def _empty(client: Any) -> None:
    client.execute_command("FLUSHALL SYNC")
    while client.info("memory")["lazyfree_pending_objects"]:
        time.sleep(0.1)


def _grown(client: Any, fill: Callable[[], Any]) -> int:
    _empty(client)
    before = _used(client)
    fill()
    return _used(client) - before


def _memory(client: Any, people: int) -> str:
    djangos = _grown(client, lambda: _spread(_fill_djangos, people)) / people
    # A session that is not bound has the same record and neither index nor snapshot.
    record = _grown(client, lambda: _spread(_fill_records, people)) / people
    one = _grown(client, lambda: _spread(_fill_ours, people)) / people
    three = _grown(client, lambda: _spread(_fill_threes, people // 3)) / (people // 3 * 3)
    rows = [
        ("Django, cache engine", djangos),
        ("Gatehouse: the record", record),
        ("Gatehouse: record, index and snapshot, one session a user", one),
        ("Gatehouse: the same, three sessions a user", three),
    ]
    lines = [f"| bytes a session, {people:,} sessions | bytes | ratio |", "| --- | --- | --- |"]
    lines += [f"| {name} | {size:.0f} | {size / djangos:.2f} |" for name, size in rows]
    return "\n".join(lines)


def _server_cpu(client: Any) -> float:
    found = client.info("cpu")
    return float(found["used_cpu_user"]) + float(found["used_cpu_sys"])


def _microseconds(client: Any, call: Callable[[str], Any], keys: list[str]) -> float:
    """CPU of one call, client and server, while several processes call at once.

    One caller alone would measure how processors fall asleep between two answers.
    """
    before = _server_cpu(client)
    with multiprocessing.get_context("fork").Pool(CALLERS) as pool:
        spent = pool.starmap(_call_all, [(call, keys)] * CALLERS)
    return (sum(spent) + _server_cpu(client) - before) / (CALLERS * len(keys)) * 1e6


def _call_all(call: Callable[[str], Any], keys: list[str]) -> float:
    before = time.process_time()
    for key in keys:
        call(key)
    return time.process_time() - before


def _ours(token: str) -> Any:
    from auth_api.sessions.store import SessionStore

    return SessionStore(token).validate()


def _djangos(key: str) -> Any:
    from django.contrib.sessions.backends.cache import SessionStore

    return SessionStore(key).load()


def _cpu(client: Any) -> str:
    _empty(client)
    theirs, ours = _fill_djangos(client, 10_000), _fill_ours(client, 10_000)
    pairs = []
    for _ in range(ROUNDS):
        pairs.append((_microseconds(client, _djangos, theirs), _microseconds(client, _ours, ours)))
    ratios = sorted(mine / other for other, mine in pairs)
    django, gatehouse = (statistics.median(column) for column in zip(*pairs, strict=True))
    return (
        "| CPU of one validation, client and server | µs | ratio (spread) |\n| --- | --- | --- |\n"
        f"| Django, cache engine, `load()` | {django:.0f} | 1 |\n"
        f"| Gatehouse, `validate()` | {gatehouse:.0f} | {statistics.median(ratios):.2f} "
        f"({ratios[0]:.2f} to {ratios[-1]:.2f}) |"
    )


def _growth(client: Any, people: int) -> str:
    costs = {}
    for size in (1000, people):
        _empty(client)
        tokens = _spread(_fill_ours, size)
        costs[size] = statistics.median(_microseconds(client, _ours, tokens) for _ in range(ROUNDS))
    lines = ["| one validation among | µs | ratio |", "| --- | --- | --- |"]
    lines += [
        f"| {size:,} sessions | {cost:.0f} | {cost / costs[1000]:.2f} |"
        for size, cost in costs.items()
    ]
    return "\n".join(lines)


def _end_all(client: Any) -> str:
    """Real users in the database: the epoch is raised there."""
    costs = {
        count: statistics.median(_one_end_all(client, count) for _ in range(7))
        for count in (1, 10_000)
    }
    lines = ["| ending all sessions of a user that has | ms | ratio |", "| --- | --- | --- |"]
    lines += [
        f"| {count:,} | {cost * 1000:.1f} | {cost / costs[1]:.2f} |"
        for count, cost in costs.items()
    ]
    return "\n".join(lines)


def _one_end_all(client: Any, count: int) -> float:
    from auth_api.sessions import services
    from auth_api.sessions.records import NewSession
    from auth_api.sessions.store import SessionStore
    from auth_api.users.models import User

    _empty(client)
    User.objects.all().delete()
    user = User.objects.create(email="many@example.com", email_verified=True)
    for _ in range(count):
        SessionStore().sign_in(user, NewSession())
    start = time.perf_counter()
    if services.end_all_sessions(user) != count:
        raise RuntimeError("not every session was there")
    return time.perf_counter() - start


if __name__ == "__main__":
    main()

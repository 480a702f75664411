"""Runs mutation tests: the tests of a group on each mutant of its sources, in a copy of the tree.

A group is a set of source files and their tests. Started by script/mutants, inside .venv. A mutant
is killed when a test fails or takes too long. Equivalent mutants, which change nothing that a test
could observe, are listed with the reason in equivalent_mutants.toml and skipped.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import redis

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from script.mutations import Mutant, mutants_of  # noqa: E402 - the sources are not an installed package
from tests.valkey import ValkeyServer  # noqa: E402

EQUIVALENTS = Path(__file__).parent / "equivalent_mutants.toml"
SCRIPTS = "auth_api/sessions/redis/scripts"
PATIENCE = 4  # times the duration of the tests without a mutant, plus 30 seconds


@dataclass(frozen=True)
class Group:
    """Source files and their tests: those that are most likely to fail come first."""

    sources: tuple[str, ...]
    tests: tuple[str, ...]


_ENGINE = "tests/auth_api/sessions"
_API = "tests/auth_api/api"
_SITE = "tests/frontend_site"
GROUPS = {
    "scripts": Group(
        (f"{SCRIPTS}/*.lua",),
        (_ENGINE, f"{_API}/test_sessions.py", "tests/conformance/test_races.py"),
    ),
    "store": Group(
        tuple(f"auth_api/sessions/{name}.py" for name in
              ("codec", "loading", "login", "payloads", "records", "redis/backend", "saving", "services", "snapshots",
               "store", "timeouts")),
        (_ENGINE, f"{_API}/test_sessions.py", "tests/auth_api/users/test_models.py",
         "tests/conformance/test_races.py", "tests/conformance/test_django_session_tests.py"),
    ),
    "door": Group(
        ("auth_api/middleware/session.py", "auth_api/sessions/cookies.py", "auth_api/sessions/tokens.py"),
        (f"{_ENGINE}/test_cookies.py", "tests/auth_api/test_set_cookies.py",
         "tests/auth_api/users/test_admin_doors.py", f"{_API}/test_sessions.py",
         "tests/auth_api/test_middleware.py", f"{_ENGINE}/test_store.py", "tests/auth_api/users/test_admin.py"),
    ),
    "throttling": Group(
        ("auth_api/throttling.py", "auth_api/code_throttling.py", "auth_api/tries.py"),
        ("tests/auth_api/test_throttling.py", f"{_API}/test_accounts.py", f"{_API}/test_login.py",
         f"{_API}/test_passwords.py", "tests/auth_api/users/flows/test_devices.py"),
    ),
    "users": Group(
        tuple(f"auth_api/users/{name}.py" for name in
              ("allowances", "backends", "flows/address", "flows/password", "flows/registration", "services", "tokens")),
        (f"{_API}/test_accounts.py", f"{_API}/test_passwords.py", f"{_API}/test_addresses.py",
         f"{_API}/test_login.py", f"{_API}/test_concurrent_changes.py", f"{_API}/test_events.py",
         "tests/auth_api/users/test_admin.py",
         "tests/auth_api/security_log/test_recording.py", "tests/auth_api/users/flows/test_devices.py"),
    ),
    "recovery": Group(
        tuple(f"auth_api/users/{name}.py" for name in ("acts", "addresses", "changes", "flows/recovery")),
        ("tests/auth_api/users/flows/test_recovery.py", "tests/auth_api/users/test_former_addresses.py",
         "tests/auth_api/users/test_acts.py", "tests/auth_api/users/flows/test_devices.py",
         "tests/auth_api/users/test_addresses.py", "tests/auth_api/security_log/test_recording.py",
         "tests/auth_api/users/test_admin.py", "tests/auth_api/users/test_models.py"),
    ),
    "gate": Group(
        ("frontend_site/backend/session_check.py", "frontend_site/security/endpoints.py", "frontend_site/backend/users.py",
         "frontend_site/middleware/valid_session.py"),
        (f"{_SITE}/test_adopting.py", f"{_SITE}/test_every_route.py", f"{_SITE}/backend/test_users.py",
         f"{_SITE}/middleware", f"{_SITE}/forward_auth"),
    ),
    "service_token": Group(
        ("gatehouse/service_token.py",),
        ("tests/gatehouse/test_service_token.py", "tests/auth_api/test_middleware.py"),
    ),
    "site": Group(
        ("gatehouse/cookies.py", *(f"frontend_site/security/{name}.py" for name in ("csrf", "next_url", "origin"))),
        (f"{_SITE}/security/test_csrf.py", "tests/gatehouse/test_cookies.py", f"{_SITE}/security/test_next_url.py",
         f"{_SITE}/middleware/test_csrf.py", f"{_SITE}/middleware/test_same_site.py",
         f"{_SITE}/middleware/test_session_cookie.py", f"{_SITE}/test_set_cookies.py",
         f"{_SITE}/forward_auth", f"{_SITE}/pages/test_reauthentication.py"),
    ),
    "site_middleware": Group(
        tuple(f"frontend_site/middleware/{name}.py" for name in ("csrf", "same_site", "session_cookie")),
        (f"{_SITE}/middleware", f"{_SITE}/test_set_cookies.py", f"{_SITE}/test_logging.py",
         f"{_SITE}/pages/test_reauthentication.py", f"{_SITE}/pages/test_views.py"),
    ),
    "transport": Group(
        tuple(f"frontend_site/transport/{name}.py" for name in ("answer", "idle", "pool", "request", "response", "wire")),
        (f"{_SITE}/transport", f"{_SITE}/backend/test_client.py", f"{_SITE}/upstreams/test_uploads.py"),
    ),
    "upstreams": Group(
        tuple(f"frontend_site/upstreams/{name}.py" for name in ("body", "headers", "views")),
        (f"{_SITE}/upstreams/test_passing.py", f"{_SITE}/upstreams/test_uploads.py",
         f"{_SITE}/upstreams/test_streaming.py"),
    ),
}  # fmt: skip


def main() -> int:
    arguments = _arguments()
    for number in (signal.SIGINT, signal.SIGTERM):  # also in the background; removes the copy
        signal.signal(number, signal.default_int_handler)
    scores: list[str] = []
    with _copy() as copy, ValkeyServer() as valkey, suppress(KeyboardInterrupt):
        for name in arguments.groups or GROUPS:
            chosen = _chosen(name, arguments, valkey.client())
            if arguments.list:
                print("\n".join(_told(mutant) for mutant in chosen))
            else:
                _check(name, chosen, copy, scores)
    print("\n".join(scores))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="script/mutants", description=__doc__)
    parser.add_argument(
        "groups", nargs="*", metavar="GROUP", help=f"any of {', '.join(GROUPS)} (default: all)"
    )
    parser.add_argument("--sample", type=int, metavar="N", help="run N mutants of each group")
    parser.add_argument("--seed", type=int, default=1, help="seed of the sample (default: 1)")
    parser.add_argument(
        "--match", default="", metavar="TEXT", help="only mutants with TEXT in FILE:LINE: CODE"
    )
    parser.add_argument("--list", action="store_true", help="list the mutants and run nothing")
    arguments = parser.parse_args()
    if unknown := set(arguments.groups) - set(GROUPS):
        parser.error(f"unknown group: {', '.join(sorted(unknown))}")
    return arguments


def _chosen(name: str, arguments: argparse.Namespace, store: redis.Redis) -> list[Mutant]:
    files = sorted(path for pattern in GROUPS[name].sources for path in ROOT.glob(pattern))
    made = [m for path in files for m in mutants_of(str(path.relative_to(ROOT)), ROOT)]
    equivalent = _equivalents()
    made = [m for m in made if (m.path, m.before, m.after) not in equivalent]
    made = [m for m in made if arguments.match in _told(m) and _loads(m, store)]
    if arguments.sample and arguments.sample < len(made):
        made = random.Random(f"{arguments.seed} {name}").sample(made, arguments.sample)  # noqa: S311
    return made


def _equivalents() -> set[tuple[str, str, str]]:
    listed = tomllib.loads(EQUIVALENTS.read_text("utf-8")).get("mutant", [])
    return {(one["path"], one["before"], one["after"]) for one in listed}


def _loads(mutant: Mutant, store: redis.Redis) -> bool:
    """Whether Redis accepts the script: one that does not compile is not a mutant."""
    if not mutant.path.endswith(".lua"):
        return True
    own = mutant.of((ROOT / mutant.path).read_bytes()).decode()
    alone = mutant.path.endswith("prelude.lua") or own.startswith("#!")
    prelude = "" if alone else (ROOT / SCRIPTS / "prelude.lua").read_text()
    try:
        store.script_load(prelude + own)
    except redis.ResponseError:
        return False
    return True


def _check(name: str, mutants: list[Mutant], copy: Path, scores: list[str]) -> None:
    """Run the tests on each mutant; add the score, also after an interrupt."""
    started = time.monotonic()
    if not _pass(copy, GROUPS[name].tests, None):
        raise SystemExit(f"{name}: the tests fail without a mutant. Fix them first.")
    limit = PATIENCE * (time.monotonic() - started) + 30
    print(f"{name}: {len(mutants)} mutants, at most {limit:.0f} s each", flush=True)
    done = lived = 0
    try:
        for mutant in mutants:
            with _mutated(copy, mutant):
                lives = _pass(copy, GROUPS[name].tests, limit)
            done += 1
            lived += lives
            print(f"\nSURVIVED {_told(mutant)}" if lives else ".", end="", flush=True)
    finally:
        print()
        share = 100 * (done - lived) / done if done else 100
        scores.append(
            f"{name}: {done} mutants, {done - lived} killed, {lived} survived: {share:.0f} %"
        )


def _told(mutant: Mutant) -> str:
    return f"{mutant.path}:{mutant.line}: {mutant.before}\n      -> {mutant.after}"


@contextmanager
def _mutated(copy: Path, mutant: Mutant) -> Iterator[None]:
    path = copy / mutant.path
    source = path.read_bytes()
    _write(path, mutant.of(source))
    try:
        yield
    finally:
        _write(path, source)


def _write(path: Path, source: bytes) -> None:
    """Write a source and delete its compiled file: Python compares only size and time in seconds."""
    path.write_bytes(source)
    for compiled in path.parent.glob(f"__pycache__/{path.stem}.*"):
        compiled.unlink()


def _pass(copy: Path, tests: tuple[str, ...], limit: float | None) -> bool:
    """Whether every test passes, within `limit` seconds."""
    kept = {
        k: v for k, v in os.environ.items() if k not in ("DJANGO_SETTINGS_MODULE", "GATEHOUSE_ENV")
    }
    environment = {**kept, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "pytest_django.plugin",
        "-p",
        "no:cacheprovider",
    ]
    with subprocess.Popen(
        [*command, "-q", "-x", "--no-header", *tests], cwd=copy, env=environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    ) as running:  # fmt: skip
        try:
            return running.wait(limit) == 0
        except subprocess.TimeoutExpired:
            return False
        finally:
            with suppress(ProcessLookupError):  # also servers that the tests started
                os.killpg(running.pid, signal.SIGKILL)


@contextmanager
def _copy() -> Iterator[Path]:
    """Yield a folder with a copy of the current sources."""
    listed = subprocess.check_output(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT
    )
    with tempfile.TemporaryDirectory(prefix="gh-mutants-") as folder:
        for name in filter(None, listed.decode().split("\0")):
            if (ROOT / name).is_file():
                target = Path(folder) / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes((ROOT / name).read_bytes())
                target.chmod((ROOT / name).stat().st_mode)
        (Path(folder) / ".venv").symlink_to(Path(sys.prefix))
        yield Path(folder)


if __name__ == "__main__":
    sys.exit(main())

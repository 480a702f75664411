"""A command that meets an outage says so in one line and has an exit code; run as operators run it."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[3]
ADA = ("--email", "ada@example.com")


def manage(
    *arguments: str, environment: Mapping[str, str], stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "GATEHOUSE_ENV": "test", **environment},
        input=stdin,
        text=True,
        capture_output=True,
    )


def nothing_there(scheme: str) -> str:
    return f"{scheme}://127.0.0.1:{free_port()}"


def is_one_line(text: str, words: str) -> bool:
    return text.count("\n") == 1 and words in text and "Traceback" not in text


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An empty database, migrated."""
    url = f"sqlite:///{tmp_path_factory.mktemp('database') / 'users.sqlite3'}"
    done = manage("migrate", "--no-input", environment={"DATABASE_URL": url})
    assert not done.returncode, done.stderr
    return url


def test_no_redis(database: str) -> None:
    environment = {"DATABASE_URL": database, "REDIS_URL": nothing_there("redis")}
    made = manage(
        "createuser", *ADA, "--password-stdin", environment=environment, stdin="a quiet harbour\n"
    )
    assert not made.returncode, made.stderr
    done = manage("sessions", "end", *ADA, "--json", environment=environment)
    assert done.returncode == 3
    assert is_one_line(done.stderr, "Redis does not answer")
    assert "Redis does not answer" in json.loads(done.stdout)["error"]


@pytest.mark.parametrize(
    ("url", "words"),
    [("postgres://gatehouse@{}/none", "The database does not answer"), ("", "Run `manage.py migrate`")],
    ids=["no server", "no tables"],
)  # fmt: skip
def test_no_database(tmp_path: Path, url: str, words: str) -> None:
    place = nothing_there("").removeprefix("://")
    database = url.format(place) if url else f"sqlite:///{tmp_path / 'empty.sqlite3'}"
    done = manage("prune", environment={"DATABASE_URL": database})
    assert done.returncode == 3
    assert is_one_line(done.stderr, words)


def test_an_unwritable_state(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    environment = {"GATEHOUSE_ENV": "development", "GATEHOUSE_VAR": str(tmp_path / "file" / "var")}
    done = manage("prune", environment=environment)
    assert done.returncode
    assert is_one_line(done.stderr, "file/var")


def test_make_keys_works_before_production_has_any_setting() -> None:
    done = manage("make_keys", environment={"GATEHOUSE_ENV": "production"})
    assert not done.returncode, done.stderr
    assert "GATEHOUSE_SESSION_KEYS=k" in done.stdout

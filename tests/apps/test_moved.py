"""An existing project whose app moves into the site (docs/how-to/django-project.md), on PostgreSQL."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from tests.postgresql import PostgreSQL, running_server
from tests.processes import ROOT

pytestmark = pytest.mark.slow
PAGE = ROOT / "docs" / "how-to" / "django-project.md"
NEW = {"1": UUID(int=11), "2": UUID(int=12), "3": UUID(int=13)}


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgreSQL]:
    if not shutil.which("initdb"):
        pytest.skip("NOT TESTED without PostgreSQL")
    with running_server() as server:
        yield server


def site_migrate(url: str, folder: Path) -> None:
    """Run it in `folder`, where the list of ids is."""
    settings = {
        "GATEHOUSE_ENV": "test",
        "GATEHOUSE_APPS": "tests.apps.moved=none",
        "SITE_DATABASE_URL": url,
        "GATEHOUSE_VAR": str(folder),
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, str(ROOT / "manage.py"), "site", "migrate", "--no-input", "-v0"]
    done = subprocess.run(command, cwd=folder, env={**os.environ, **settings}, text=True, capture_output=True)  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_the_page_shows_this_app() -> None:
    shown = re.findall(
        r"^ *```python\n *# notes/(\S+\.py)\n(.*?)```", PAGE.read_text(), re.DOTALL | re.MULTILINE
    )
    assert len(shown) == 4
    for name, block in shown:
        code = (ROOT / "tests/apps/moved" / name).read_text().replace('"moved"', '"notes"')
        lines = {line.strip() for line in block.splitlines()} - {"..."}
        assert lines <= {line.strip() for line in code.splitlines()}, name


def test_its_database_is_kept_and_an_empty_one_can_be_made(
    postgresql: PostgreSQL, tmp_path: Path
) -> None:
    subprocess.run([sys.executable, "-m", "tests.apps.old_project", postgresql.url], cwd=ROOT, check=True)  # fmt: skip
    lines = ["old_id,id,email", *(f"{old},{new},x" for old, new in NEW.items()), ""]
    (tmp_path / "user-ids.csv").write_text("\n".join(lines))
    site_migrate(postgresql.url, tmp_path)
    with psycopg.connect(postgresql.url, autocommit=True) as database:
        rows = database.execute("SELECT owner, text FROM moved_note ORDER BY id").fetchall()
        assert rows == list(zip(NEW.values(), ["by ada", "by bob", "by cleo"], strict=True))
        database.execute("CREATE DATABASE empty")
    empty = postgresql.url.replace("/postgres", "/empty")
    (tmp_path / "user-ids.csv").unlink()
    site_migrate(empty, tmp_path)
    with psycopg.connect(empty) as database:
        columns = database.execute(
            "SELECT column_name, is_nullable FROM information_schema.columns WHERE table_name = 'moved_note'"
        ).fetchall()
    assert sorted(columns) == [("id", "NO"), ("owner", "NO"), ("text", "NO")]

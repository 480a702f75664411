"""The races on four engines; the table in docs/explanation/comparison.md is this run's."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import modify_settings, override_settings

from tests.auth_api.sessions.conftest import make_user
from tests.conformance.engines import ENDS, OURS, WRITES, Engine, engines, survives

PAGE = Path(__file__).resolve().parents[2] / "docs" / "explanation" / "comparison.md"
INTRO = """# A request in flight, on four engines

A request has read its session and not answered yet; the session is ended; the request writes. Does the ended session
open again? Made by `script/test conformance` (`tests/conformance/test_comparison.py`), which fails when this page is
not what it finds; `WRITE_COMPARISON=1 script/test conformance -k comparison` writes it again.

`cache` is Django's cache engine on django-redis, `cached_db` the same with a database behind it, `db` the database
alone; Django 5.2. "Alive" is Django's own `auth.get_user`. **back** means that the ended session, or a copy of it under a
new key, was somebody's again.

"""


@pytest.fixture
def four(settings: Any, transactional_db: None) -> Iterator[list[Engine]]:
    caches = {**settings.CACHES, "default": settings.CACHES["sessions"]}
    with (
        modify_settings(INSTALLED_APPS={"append": "django.contrib.sessions"}),
        override_settings(CACHES=caches, SESSION_CACHE_ALIAS="default"),
    ):
        from django.contrib.sessions.models import Session

        call_command("migrate", "sessions", verbosity=0)
        yield engines()
        with connection.schema_editor() as editor:
            editor.delete_model(Session)
        call_command("migrate", "sessions", "zero", fake=True, verbosity=0)


@pytest.mark.skipif(
    os.environ.get("GATEHOUSE_TEST_TOPOLOGY") == "cluster",
    reason="Django's cache engine is compared on one server",
)
def test_the_races_on_four_engines(four: list[Engine]) -> None:
    found: dict[tuple[str, str, str], bool] = {}
    numbers = iter(range(1000))
    for engine in four:
        for end_name, end in ENDS.items():
            for write_name, write in WRITES.items():
                user = make_user(f"user{next(numbers)}@example.com")
                type(user).objects.filter(email="other@example.com").delete()
                found[engine.name, end_name, write_name] = survives(engine, user, end, write)
    assert not [case for case, back in found.items() if back and case[0] == OURS]
    page = INTRO + _table(found, [engine.name for engine in four])
    if os.environ.get("WRITE_COMPARISON"):
        PAGE.write_text(page)
    assert PAGE.read_text() == page


def _table(found: dict[tuple[str, str, str], bool], names: list[str]) -> str:
    lines = ["| the session is ended by | the request | " + " | ".join(names) + " |"]
    lines.append("| --- | --- |" + " --- |" * len(names))
    for end in ENDS:
        for write in WRITES:
            cells = ["**back**" if found[name, end, write] else "dead" for name in names]
            lines.append(f"| {end} | {write} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"

"""What `doctor` says about the database of the site's apps."""

from typing import Any

import pytest

from auth_api.doctor.door import Door
from auth_api.doctor.site import site
from auth_api.doctor.site_database import site_database
from auth_api.doctor.site_report import Seen
from tests.auth_api.doctor.test_proxies import report

DOOR = Door("https://site.example")
GOOD = {"version": "PostgreSQL 15.4", "pending": [], "holds_accounts": False, "wanted": 20, "room": 97}  # fmt: skip


def findings(database: dict[str, Any] | None) -> list[tuple[str, str, str, str]]:
    seen = Seen(report(database=database), 0.0, 0.0)
    return [
        (each.check, each.outcome.value, each.found, each.mend)
        for each in site_database(DOOR, seen, seen)
    ]


def test_a_site_without_models_has_none() -> None:
    assert findings(None) == []


def test_a_good_one() -> None:
    assert [found[:2] for found in findings(GOOD)] == [
        ("site-database", "ok"), ("site-migrations", "ok"), ("site-connections", "ok"),
    ]  # fmt: skip
    sqlite = {**GOOD, "version": "SQLite 3.40", "wanted": 0, "room": 0}
    assert [found[0] for found in findings(sqlite)] == ["site-database", "site-migrations"]


@pytest.mark.parametrize(
    ("change", "check", "outcome", "words", "mend"),
    [
        ({"error": "connection refused"}, "site-database", "fail", "connection refused", "SITE_DATABASE_URL"),
        ({"holds_accounts": True}, "site-database", "fail", "database of auth_api", "SITE_DATABASE_URL"),
        ({"pending": ["a.1", "a.2", "a.3", "a.4"]}, "site-migrations", "fail", "4 are pending: a.1, a.2, a.3, ...", "manage.py site migrate"),
        ({"wanted": 200}, "site-connections", "warn", "200 connections", "SITE_DATABASE_CONNECTIONS"),
    ],
)  # fmt: skip
def test_a_bad_one_says_what_to_do(
    change: dict[str, Any], check: str, outcome: str, words: str, mend: str
) -> None:
    [bad] = [found for found in findings({**GOOD, **change}) if found[1] != "ok"]
    assert bad[:2] == (check, outcome)
    assert words in bad[2]
    assert mend in bad[3]


def test_it_is_no_fault_on_the_way_to_auth_api() -> None:
    seen = Seen(report(missing=("site-database",), status="degraded"), 0.0, 0.0)
    way = [
        each.outcome.value for each in site(DOOR, seen, seen) if each.check == "site-to-auth_api"
    ]
    assert way == ["ok"]

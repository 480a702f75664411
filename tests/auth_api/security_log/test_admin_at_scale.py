"""The security log in the admin costs the same at a million events: by its queries and their plans."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from auth_api import admin_lists
from auth_api.security_log.kinds import Kind
from auth_api.security_log.models import SecurityEvent
from auth_api.users.models import User
from tests.auth_api.users.admin_browser import AdminBrowser, superuser_browser

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "/admin/security_log/securityevent/"
TABLE = SecurityEvent._meta.db_table
HANDLE = "A" * 16


@pytest.fixture(autouse=True)
def _new_table(transactional_db: None) -> None:
    """Otherwise PostgreSQL's plans would depend on the sizes and dead rows that earlier tests have left."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {TABLE}")


@pytest.fixture
def root(user: User) -> AdminBrowser:
    return superuser_browser()


def fill(user: User, count: int, **fields: Any) -> None:
    """Events of the last minutes, a second apart."""
    now = datetime.now(UTC)
    SecurityEvent.objects.bulk_create(
        SecurityEvent(user=user, kind=Kind.REAUTHENTICATED, at=now - timedelta(seconds=n), **fields)
        for n in range(count)
    )


def queries(browser: AdminBrowser, path: str) -> list[str]:
    browser.get(path)
    with CaptureQueriesContext(connection) as captured:
        assert browser.get(path).status_code == 200
    return [query["sql"] for query in captured]


def plan_of(sql: str) -> str:
    """The database's plan; PostgreSQL would read and sort a table this small without an index."""
    sqlite = connection.vendor == "sqlite"
    with connection.cursor() as cursor:
        if not sqlite:
            cursor.execute("SET enable_seqscan = off; SET enable_sort = off")
        cursor.execute(f"EXPLAIN {'QUERY PLAN ' if sqlite else ''}{sql}")
        return "\n".join(str(row[-1]) for row in cursor.fetchall())


def scans_all(plan: str) -> bool:
    """Whether the plan reads the whole table of events, or sorts all that it finds."""
    scan = re.search(rf"SCAN {TABLE}(?! USING)|Seq Scan on {TABLE}", plan)
    return bool(scan) or "USE TEMP B-TREE FOR ORDER BY" in plan


def test_the_list_takes_as_many_queries_for_three_events_as_for_three_hundred(
    root: AdminBrowser, user: User
) -> None:
    fill(user, 3)
    few = len(queries(root, LIST))
    fill(user, 297)
    assert len(queries(root, LIST)) == few <= 5


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("", "events_by_age"),
        ("kind__exact=login.failed", "events_by_kind"),
        ("by__exact=staff", "events_by_doer"),
        ("user__id__exact={user}", "events_of_user"),
        ("q=ada@example.com", "events_of_user"),
        ("q=203.0.113.7", "events_by_address"),
        ("at__year={now:%Y}", "events_by_age"),
        ("at__year={now:%Y}&at__month={now.month}&at__day={now.day}", "events_by_age"),
    ],
)
def test_each_filter_search_and_date_has_an_index(
    root: AdminBrowser, user: User, query: str, index: str
) -> None:
    fill(user, 150)  # more than a page
    path = f"{LIST}?{query.format(user=user.pk, now=datetime.now(UTC))}"
    of_events = [sql for sql in queries(root, path) if f'FROM "{TABLE}"' in sql]
    (listed,) = [sql for sql in of_events if '"at" DESC' in sql]
    assert index in plan_of(listed), f"{listed}\n{plan_of(listed)}"
    for sql in of_events:
        assert not scans_all(plan_of(sql)), f"{sql}\n{plan_of(sql)}"


@pytest.mark.parametrize("term", [HANDLE, "an-id-of-a-request"])
def test_a_session_and_a_request_are_found_by_an_index(
    root: AdminBrowser, user: User, term: str
) -> None:
    fill(user, 30)
    fill(user, 1, handle=HANDLE, request_id="an-id-of-a-request")
    assert "1 security event\n" in root.get(f"{LIST}?q={term}").content.decode()
    plans = [plan_of(sql) for sql in queries(root, f"{LIST}?q={term}") if term in sql]
    for plan, index in zip(plans, ("events_by_session", "events_by_request"), strict=True):
        assert index in plan, plan


@pytest.mark.parametrize("term", ["ADA@example.com", "[203.0.113.9]:443", "an-id-of-a-request"])
def test_whole_values_are_found(root: AdminBrowser, user: User, term: str) -> None:
    fill(user, 1, address="203.0.113.9", request_id="an-id-of-a-request")
    assert 'class="field-user' in root.get(f"{LIST}?q={term}").content.decode()
    for part in ("ada@", "203.0.113", "an-id"):
        assert 'class="field-user' not in root.get(f"{LIST}?q={part}").content.decode()


def test_no_more_than_a_bounded_number_is_counted_and_the_page_says_so(
    root: AdminBrowser, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin_lists, "MOST_LISTED", 120)
    fill(user, 119)
    assert "There may be more." in root.get(LIST).content.decode()  # root signed in, too
    page = root.get(f"{LIST}?kind__exact={Kind.REAUTHENTICATED}").content.decode()
    assert "There may be more." not in page
    assert "119 security events" in page
    assert root.get(f"{LIST}?p=2").status_code == 200


def test_dates_are_offered_without_asking_which_have_events(root: AdminBrowser, user: User) -> None:
    now = datetime.now(UTC)
    year = now.year
    assert f"?at__month={now.month}&amp;at__year={year}" in root.get(LIST).content.decode()
    fill(user, 1, first_at=now)
    SecurityEvent.objects.filter(user=user).update(at=datetime(year - 2, 11, 30, tzinfo=UTC))
    years = root.get(LIST).content.decode()
    assert [f"?at__year={each}" in years for each in (year - 3, year - 2, year - 1, year)] == [
        False, True, True, True,
    ]  # fmt: skip
    months = root.get(f"{LIST}?at__year={year - 2}").content.decode()
    assert f"at__month=11&amp;at__year={year - 2}" in months
    assert f"at__month=10&amp;at__year={year - 2}" not in months
    days = root.get(f"{LIST}?at__year={year - 2}&at__month=11").content.decode()
    assert "at__day=30" in days
    assert "at__day=31" not in days
    assert (
        'class="field-user'
        in root.get(f"{LIST}?at__year={year - 2}&at__month=11&at__day=30").content.decode()
    )
    assert root.get(f"{LIST}?at__year={year}&at__month=13").status_code == 302

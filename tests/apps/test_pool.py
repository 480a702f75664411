"""PostgreSQL under many requests at once: few connections, and a 503 for who waits too long."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings

from gatehouse.doctor import HEADER, PATH, sign_question
from tests.apps.shelf import more
from tests.frontend_site.conftest import _stub
from tests.frontend_site.server import ROOT, Server, running_site
from tests.frontend_site.stub import TOKEN
from tests.postgresql import PostgreSQL, running_server
from tests.processes import wait_for

pytestmark = pytest.mark.slow
CONNECTIONS = 4  # of a worker
METRICS = "prometheus-may-read-this-0123456789"
COOKIE = f"Cookie: __Host-session={TOKEN}"


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgreSQL]:
    if not shutil.which("initdb"):
        pytest.skip("NOT TESTED without PostgreSQL")
    with running_server() as server:
        yield server


@pytest.fixture(scope="module")
def site(postgresql: PostgreSQL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = {
        "GATEHOUSE_APPS": "tests.apps.shelf",
        "SITE_DATABASE_URL": postgresql.url,
        "SITE_DATABASE_CONNECTIONS": str(CONNECTIONS),
        "GATEHOUSE_METRICS_TOKEN": METRICS,
        "GATEHOUSE_VAR": str(tmp_path_factory.mktemp("var")),
    }
    command = [sys.executable, "manage.py", "site", "migrate", "--no-input", "-v0"]
    subprocess.run(command, cwd=ROOT, env={**os.environ, **settings, "GATEHOUSE_ENV": "test"}, check=True)  # fmt: skip
    with running_site(_stub.url, **settings) as running:
        wait_for(lambda: running.ask("GET", "/healthz").status == 200, "the site")
        yield running


OTHERS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


def test_a_crowd_shares_few_connections_and_the_rest_is_told_to_come_back(
    site: Server, postgresql: PostgreSQL
) -> None:
    most = 0
    with ThreadPoolExecutor(500) as crowd, psycopg.connect(postgresql.url, autocommit=True) as own:
        asked = [crowd.submit(site.ask, "GET", "/shelf/slow") for _ in range(500)]
        while not all(request.done() for request in asked):
            [open_now] = own.execute(OTHERS).fetchone() or [0]
            most = max(most, open_now)
    answers = [request.result() for request in asked]
    seen = Counter(answer.status for answer in answers)
    # One connection serves 10 such requests a second: more than one worker's connections can in 5 s.
    assert set(seen) == {200, 503}
    assert 1 < most <= CONNECTIONS
    [refused, *_] = [answer for answer in answers if answer.status == 503]
    assert refused.all("Retry-After") == ["2"]
    assert b"Temporarily unavailable" in refused.body
    # Nobody kept one: the next requests are served.
    assert {site.ask("GET", "/shelf/slow").status for _ in range(CONNECTIONS + 1)} == {200}


def test_a_worker_with_many_open_connections_still_finds_one_to_the_database(site: Server) -> None:
    """select() takes no descriptor above 1023, and open pages and WebSockets keep that many."""
    with ExitStack() as others:
        for _ in range(1100):
            others.enter_context(socket.create_connection(("127.0.0.1", site.port)))
        wait_for(lambda: descriptors(site) > 1100, "the open connections")
        # More than are pooled, so that some are new, with descriptors above the others.
        with ThreadPoolExecutor(CONNECTIONS) as crowd:
            for _ in range(3):
                asked = [crowd.submit(site.ask, "GET", "/shelf/slow") for _ in range(CONNECTIONS)]
                assert {request.result().status for request in asked} == {200}
        assert site.ask("GET", "/shelf/", COOKIE).status == 200


def descriptors(site: Server) -> int:
    """Return how many the worker of `site` has open."""
    pid = site.process.pid
    [worker] = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return len(os.listdir(f"/proc/{worker}/fd"))


def test_a_page_with_one_query_sends_one_statement(site: Server, postgresql: PostgreSQL) -> None:
    with psycopg.connect(postgresql.url, autocommit=True) as own:
        own.execute("ALTER SYSTEM SET log_statement = 'all'")
        own.execute("SELECT pg_reload_conf()")
        wait_for(lambda: own.execute("SHOW log_statement").fetchone() == ("all",), "the log")
        site.ask("GET", "/shelf/", COOKIE)  # which may make a connection
        before = len(postgresql.log)
        assert site.ask("GET", "/shelf/", COOKIE).status == 200
        wait_for(lambda: "shelf_book" in postgresql.log[before:], "the statement")
        assert postgresql.log[before:].count("LOG:  statement:") == 1
        own.execute("ALTER SYSTEM RESET log_statement")
        own.execute("SELECT pg_reload_conf()")


def test_a_restart_of_the_database_between_two_requests_is_no_error(
    site: Server, postgresql: PostgreSQL
) -> None:
    assert site.ask("GET", "/shelf/", COOKIE).status == 200
    postgresql.stop("fast")
    postgresql.start()
    assert site.ask("GET", "/shelf/", COOKIE).status == 200


def test_without_the_database_only_its_views_fail(site: Server, postgresql: PostgreSQL) -> None:
    assert site.ask("GET", "/shelf/", COOKIE).status == 200
    assert "site-database" not in missing(site)
    postgresql.stop()
    try:
        assert site.ask("GET", "/shelf/", COOKIE).status == 503
        assert site.ask("GET", "/account", COOKIE).status == 200
        wait_for(lambda: "site-database" in missing(site), "the answer of /readyz")
        assert site.ask("GET", "/readyz").status == 200
        assert "error" in report(site)
    finally:
        postgresql.start()
    wait_for(lambda: site.ask("GET", "/shelf/", COOKIE).status == 200, "the database again")
    wait_for(lambda: "site-database" not in missing(site), "the answer of /readyz")
    metrics = site.ask("GET", "/metrics", f"Authorization: Bearer {METRICS}").body
    assert re.search(rb"^gatehouse_site_database_unavailable_total [1-9]", metrics, re.M)


def missing(site: Server) -> list[str]:
    """Return what the site says that it lacks."""
    names: list[str] = json.loads(site.ask("GET", "/readyz").body).get("missing", [])
    return names


def report(site: Server) -> dict[str, Any]:
    """Return what doctor is told of the database."""
    question, _ = sign_question(settings.GATEHOUSE.service_keys[0])
    found: dict[str, Any] = json.loads(site.ask("GET", PATH, f"{HEADER}: {question}").body)[
        "database"
    ]
    return found


def test_doctor_is_told_what_the_database_lacks(site: Server, postgresql: PostgreSQL) -> None:
    wait_for(lambda: "error" not in report(site), "the database")
    found = report(site)
    assert (found["pending"], found["holds_accounts"]) == ([], False)
    assert (found["wanted"] % CONNECTIONS, found["room"]) == (0, 97)
    with psycopg.connect(postgresql.url, autocommit=True) as own:
        own.execute("CREATE TABLE users_user ()")
        own.execute("CREATE TABLE security_log_securityevent ()")
        own.execute("DELETE FROM django_migrations WHERE app = 'shelf'")

        def is_told() -> bool:
            now = report(site)
            return bool(now["holds_accounts"] and now["pending"] == ["shelf.0001_initial"])

        wait_for(is_told, "a new look")
        own.execute("DROP TABLE users_user, security_log_securityevent")


# --- what the test client cannot show


def test_a_long_file_arrives_whole(site: Server) -> None:
    answer = site.ask("GET", "/shelf/more/long")
    assert (answer.status, len(answer.body)) == (200, more.LONG)


def test_a_stream_that_fails_is_cut_off_and_not_ended(site: Server) -> None:
    answer = site.ask("GET", "/shelf/more/breaks-off")
    assert answer.status == 200
    assert b"the first line" in answer.body
    assert not answer.body.endswith(b"0\r\n\r\n")

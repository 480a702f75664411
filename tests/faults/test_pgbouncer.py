"""What needs the database, through a real PgBouncer in transaction mode (DATABASE_POOLER=transaction)."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.pgbouncer import pgbouncer_program, running_pgbouncer
from tests.postgresql import running_postgresql
from tests.processes import ROOT, JsonClient, Stack

pytestmark = [
    pytest.mark.exhaustive,
    pytest.mark.skipif(
        shutil.which("initdb") is None or pgbouncer_program() is None,
        reason="needs PostgreSQL's initdb and pgbouncer",
    ),
]
EMAIL, NEW = "ada@example.com", "nine green bottles on a wall"
CLIENTS = 12  # three times as many as the pooler has server connections


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with (
        running_postgresql() as direct,
        running_pgbouncer(direct) as url,
        Stack(DATABASE_URL=url, DATABASE_POOLER="transaction") as running,  # it migrates, too
    ):
        yield running


def test_an_account_lives_its_life_behind_a_pooler(stack: Stack) -> None:
    stranger = JsonClient(stack.address)
    registration = {"email": EMAIL, "password": "a harbour full of small boats", "name": "Ada"}
    assert stranger.post("/api/auth/register", registration).status_code == 202
    mail = stack.mailbox.wait_for(EMAIL)
    confirmed = {"token": mail.token, "password": registration["password"]}
    assert stranger.post("/api/auth/email/verify", confirmed).status_code in (200, 204)
    client = JsonClient(stack.address)
    assert client.login(EMAIL, registration["password"]).status_code == 200
    changed = {"current_password": registration["password"], "new_password": NEW}
    assert client.post("/api/auth/password/change", changed).status_code == 200
    # An export reads the events in batches: with a cursor that outlasts its transaction, it fails.
    assert client.get("/api/auth/account/export").json()["security_events"]
    assert stack.manage("end_sessions", "--email", EMAIL)
    assert client.get("/api/auth/session").status_code == 401


def test_doctor_knows_a_pooler_that_the_settings_do_not_name(stack: Stack) -> None:
    """What the server limits is the role's matter: the server of the tests has no limits."""
    assert "no lock_timeout and no statement_timeout" in pooler_found(stack)
    named, stack.settings["DATABASE_POOLER"] = stack.settings["DATABASE_POOLER"], "none"
    try:
        assert "Set DATABASE_POOLER=transaction" in pooler_found(stack)
    finally:
        stack.settings["DATABASE_POOLER"] = named


def pooler_found(stack: Stack) -> str:
    command = [sys.executable, "manage.py", "doctor"]
    done = subprocess.run(command, cwd=ROOT, env=stack.environment, text=True, capture_output=True)
    found = re.search(r"pooler .*\n.*", done.stdout)
    assert found, done.stdout
    return found[0]


def test_clients_share_few_connections(stack: Stack) -> None:
    emails = [f"user{number}@example.com" for number in range(CLIENTS)]
    passwords = {email: stack.make_user(email) for email in emails[:3]}

    def sign_in(number: int) -> int:
        email = emails[number % 3]
        status: int = JsonClient(stack.address).login(email, passwords[email]).status_code
        return status

    with ThreadPoolExecutor(CLIENTS) as pool:
        assert set(pool.map(sign_in, range(4 * CLIENTS))) <= {200, 503}
        assert sign_in(0) == 200

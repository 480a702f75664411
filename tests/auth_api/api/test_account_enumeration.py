"""Answers about addresses do not reveal accounts, neither by content nor by the work that they cause.

bench/timing.py measures times; these tests count every step.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from auth_api.mail.models import OutboxMail
from auth_api.security_log import writer as writing
from auth_api.security_log.models import SecurityEvent
from auth_api.users.models import User
from tests.auth_api.argon2_runs import argon2_runs
from tests.auth_api.http import call, session_token
from tests.auth_api.logs import logged, names_of
from tests.auth_api.mails import sent_mails
from tests.auth_api.sessions.conftest import PASSWORD, make_user
from tests.calls import python_calls
from tests.store_contents import command_counts, reset_command_counts

pytestmark = pytest.mark.django_db(transaction=True)

Ask = Callable[[str, str], Any]
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
ACCOUNTS: dict[str, dict[str, Any]] = {
    "verified": {},
    "unverified": {"email_verified": False},
    "inactive": {"is_active": False},
    "by-staff": {"password": "!"},
}
CALLS: dict[str, dict[str, str]] = {
    "login": {"password": "not the password"},
    "register": {"password": "nine green bottles on a wall", "name": "Ada"},
    "email/resend": {},
    "password/forgot": {},
    "email/change": {},
}
# Commands of a new connection to Redis, which the pool may open at any time, and of this test.
CONNECTING = {
    "hello",
    "client|setinfo",
    "client|setname",
    "select",
    "ping",
    "info",
    "config|resetstat",
}


@pytest.fixture(autouse=True)
def _accounts() -> None:
    for name, fields in ACCOUNTS.items():
        user = User.objects.create_user(f"{name}@example.com", PASSWORD, email_verified=True)
        User.objects.filter(pk=user.pk).update(**({"name": "Ada"} | fields))


@pytest.fixture(autouse=True)
def asker() -> Any:
    """Return the session of a user who wants another address."""
    make_user("asker@example.com")
    body = {"email": "asker@example.com", "password": PASSWORD}
    return session_token(call("POST", "/v1/login", body))


@pytest.fixture
def ask(asker: str) -> Ask:
    def ask(path: str, name: str) -> Any:
        body = {"email": f"{name}@example.com", **CALLS[path]}
        token = asker if path == "email/change" else None
        headers = {"HTTP_GATEHOUSE_CLIENT_USER_AGENT": CHROME}
        return call("POST", f"/v1/{path}", body, token=token, **headers)

    return ask


def cost(ask: Ask, path: str, name: str, redis_client: Any) -> dict[str, Any]:
    """Return everything that a call stores or sends."""
    rows = OutboxMail.objects.count()
    reset_command_counts(redis_client)
    with (
        CaptureQueriesContext(connection) as queries,
        logged() as events,
        argon2_runs() as runs,
    ):
        answer = ask(path, name)
    body = answer.json()
    body.pop("request_id", None)
    counts = command_counts(redis_client).items()
    return {
        "answer": (answer.status_code, body, sorted(answer.headers)),
        "statements": [query["sql"].partition(" ")[0] for query in queries],
        "commands": {name: count for name, count in counts if name not in CONNECTING},
        "hashes": runs,
        "mails": OutboxMail.objects.count() - rows,
        "events": names_of(events),
    }


@pytest.mark.parametrize("path", CALLS)
@pytest.mark.parametrize("name", ACCOUNTS)
def test_a_call_costs_the_same_with_and_without_an_account(
    ask: Ask, path: str, name: str, redis_client: Any
) -> None:
    for warm in ("nobody-1", name):
        ask(path, warm)
    known, nobody = cost(ask, path, name, redis_client), cost(ask, path, "nobody-2", redis_client)
    assert {part: told for part, told in known.items() if told != nobody[part]} == {}, nobody


@pytest.mark.parametrize("path", CALLS)
@pytest.mark.parametrize("name", ["verified", "unverified", "inactive"])
def test_a_call_runs_the_same_functions_with_and_without_an_account(
    ask: Ask, path: str, name: str
) -> None:
    """Apart from reading one row of the database."""
    for warm in ("nobody-1", name, "nobody-1", name):
        ask(path, warm)
    known = min(python_calls(lambda: ask(path, name)) for _ in range(3))
    nobody = min(python_calls(lambda: ask(path, "nobody-1")) for _ in range(3))
    assert abs(known - nobody) <= 40


@pytest.mark.parametrize("path", ["login", "password/forgot"])
def test_events_of_an_account_do_not_delay_the_next_answers(
    ask: Ask, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The writer collects events for a moment, here for longer than the test takes."""
    assert writing.writer.drain()
    monkeypatch.setattr(writing, "_GATHER", 60)
    ask(path, "verified")
    for _ in range(5):  # enough time for events that are not collected
        ask(path, "nobody-1")
    written = SecurityEvent.objects.filter(kind__in=("login.failed", "password.reset_asked"))
    assert not written.exists()
    assert writing.writer.drain()
    assert written.get().user.email == "verified@example.com"


def test_mails_go_only_to_the_addresses_that_they_concern(ask: Ask) -> None:
    for path in ("register", "email/resend", "password/forgot"):
        for name in ("verified", "unverified", "inactive", "nobody"):
            ask(path, name)
    told = sorted((mail.to[0].partition("@")[0], mail.subject) for mail in sent_mails())
    assert told == [
        ("inactive", "You already have an account at localhost"),
        ("nobody", "Confirm your address for localhost"),
        ("nobody", "Confirm your address for localhost"),
        ("nobody", "Set a new password for localhost"),
        ("unverified", "Confirm your address for localhost"),
        ("unverified", "Confirm your address for localhost"),
        ("unverified", "Set a new password for localhost"),
        ("verified", "Set a new password for localhost"),
        ("verified", "You already have an account at localhost"),
    ]

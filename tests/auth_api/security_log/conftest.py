"""An account, its log, and a log whose table is away."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection

from auth_api.security_log import writer as writing
from auth_api.security_log.models import SecurityEvent
from auth_api.users.models import User
from tests.auth_api.sessions.conftest import make_user

TABLE = SecurityEvent._meta.db_table


@pytest.fixture
def user() -> User:
    found: User = make_user("ada@example.com")
    return found


@pytest.fixture
def log(user: User) -> Callable[[], list[SecurityEvent]]:
    """Everything in the account's log, oldest first, once it is written."""

    def read() -> list[SecurityEvent]:
        assert writing.writer.drain()
        return list(SecurityEvent.objects.filter(user=user).order_by("first_at", "pk"))

    return read


@pytest.fixture
def kinds(log: Any) -> Callable[[], list[str]]:
    return lambda: [event.kind for event in log()]


@pytest.fixture
def without_table(user: User, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """The table cannot be written; call it to bring the table back."""
    monkeypatch.setattr(writing, "_RETRY", 0.05)
    away = True

    def bring_back() -> None:
        nonlocal away
        if away:
            rename_table(f"{TABLE}_away", TABLE)
            away = False

    rename_table(TABLE, f"{TABLE}_away")
    yield bring_back
    bring_back()
    assert writing.writer.drain()


def rename_table(old: str, new: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f'ALTER TABLE "{old}" RENAME TO "{new}"')

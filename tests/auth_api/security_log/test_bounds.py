"""The log stays small: what strangers cause is counted up, what is old is pruned, one list is short."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction

from auth_api.security_log import events
from auth_api.security_log.events import LONGEST_LIST, PLACES_A_DAY, Event, append
from auth_api.security_log.kinds import Kind
from auth_api.security_log.models import SecurityEvent
from auth_api.security_log.origin import Origin
from auth_api.users.models import User
from tests.auth_api.http import call, session_token
from tests.auth_api.security_log.test_recording import login
from tests.auth_api.sessions.conftest import make_user

pytestmark = pytest.mark.django_db(transaction=True)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def fail(user: User, address: str, **changes: Any) -> None:
    values: dict[str, Any] = {"user_id": user.pk, "at": NOON, **changes}
    append(Event(Kind.SIGN_IN_FAILED, Origin("owner", address=address, device="Curl"), **values))


def test_failures_of_a_day_and_place_are_one_row(user: User, log: Any) -> None:
    for minute in range(60):
        fail(user, "198.51.100.4", at=NOON + timedelta(minutes=minute))
    (event,) = log()
    assert (event.count, event.first_at) == (60, NOON)
    assert event.at == NOON + timedelta(minutes=59)


def test_a_row_that_another_worker_just_made_spoils_no_transaction(
    user: User, log: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(user, "198.51.100.4")
    count_up, looked = events._count_up, []

    def too_early(*args: Any) -> bool:
        looked.append(args)
        return len(looked) > 1 and count_up(*args)

    monkeypatch.setattr(events, "_count_up", too_early)
    with transaction.atomic():
        fail(user, "198.51.100.4")
        assert User.objects.filter(pk=user.pk).exists()
    assert [event.count for event in log()] == [2]


@pytest.mark.parametrize(
    ("address", "at"),
    [("198.51.100.5", NOON), ("198.51.100.4", NOON + timedelta(days=1))],
)
def test_another_place_or_day_is_another_row(
    user: User, log: Any, address: str, at: datetime
) -> None:
    fail(user, "198.51.100.4")
    fail(user, address, at=at)
    assert len(log()) == 2


def test_a_network_of_ipv6_is_one_place(user: User, log: Any) -> None:
    for number in range(50):
        fail(user, f"2001:db8::{number:x}")
    assert len(log()) == 1


def test_many_places_end_in_one_row_without_a_place(user: User, log: Any) -> None:
    for number in range(PLACES_A_DAY + 30):
        fail(user, f"198.51.100.{number}")
    rows = log()
    assert len(rows) == PLACES_A_DAY + 1
    assert (rows[-1].count, rows[-1].address, rows[-1].device) == (30, "", "")
    fail(user, "198.51.100.0")  # a place that has its row goes on in it
    assert log()[0].count == 2


def test_the_events_of_one_account_do_not_fill_another(user: User) -> None:
    bob = make_user("bob@example.com")
    for number in range(PLACES_A_DAY + 5):
        fail(user, f"198.51.100.{number}")
    fail(bob, "198.51.100.200")
    assert SecurityEvent.objects.get(user=bob).address == "198.51.100.200"


def test_the_list_is_newest_first_short_and_ones_own(user: User) -> None:
    bob = make_user("bob@example.com")
    token = session_token(login())
    for number in range(LONGEST_LIST + 5):
        append(
            Event(
                Kind.NAME_CHANGED,
                Origin("owner"),
                user.pk,
                reason=str(number),
                at=NOON + timedelta(seconds=number),
            )
        )
    fail(bob, "198.51.100.200")
    items = call("GET", "/v1/security-events", token=token).json()["items"]
    assert len(items) == LONGEST_LIST
    assert [item["event"] for item in items][:2] == ["session.started", "name.changed"]
    assert [item["reason"] for item in items][1:3] == ["104", "103"]
    assert "198.51.100.200" not in str(items)


def test_nobody_reads_a_log_without_a_session() -> None:
    assert call("GET", "/v1/security-events").status_code == 401
    assert call("POST", "/v1/security-events", {}).status_code == 405


@pytest.mark.parametrize(
    ("options", "kept"), [({}, 2), ({"days": 20, "yes": True}, 1), ({"days": 0, "yes": True}, 0)]
)
def test_old_events_are_pruned(user: User, options: dict[str, Any], kept: int) -> None:
    now = datetime.now(UTC)
    for days in (1, 30, 181, 400):
        fail(user, "198.51.100.4", at=now - timedelta(days=days))
    told = StringIO()
    call_command("prune_security_log", stdout=told, **options)
    assert SecurityEvent.objects.count() == kept
    assert told.getvalue() == (
        f"{4 - kept} events, 0 account changes, 0 invitations and 0 removed apps deleted.\n"
    )


def test_an_event_that_is_counted_up_is_as_old_as_its_last(user: User) -> None:
    now = datetime.now(UTC)
    fail(user, "198.51.100.4", at=now)
    SecurityEvent.objects.update(first_at=now - timedelta(days=400))
    call_command("prune_security_log", stdout=StringIO())
    assert SecurityEvent.objects.exists()


@pytest.mark.parametrize("in_bulk", [True, False])
def test_the_log_goes_with_its_account(user: User, in_bulk: bool) -> None:
    login()
    if in_bulk:
        User.objects.filter(pk=user.pk).delete()
    else:
        user.delete()
    assert not SecurityEvent.objects.exists()


def test_an_event_of_an_account_that_is_gone_is_dropped(user: User, log: Any) -> None:
    missing = user.pk
    user.delete()
    login("x" * 20)
    assert append(Event(Kind.SIGN_IN_FAILED, Origin("owner"), account="ada@example.com")) is None
    assert not SecurityEvent.objects.filter(user=missing).exists()

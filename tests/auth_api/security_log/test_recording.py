"""What happens to an account is in its log, whichever door it came by."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from auth_api.security_log.kinds import Kind
from auth_api.security_log.models import SecurityEvent
from auth_api.security_log.recording import record_change
from auth_api.security_log.writer import writer
from auth_api.tries import FREE_TRIES
from auth_api.users.models import User
from auth_api.users.services import set_active
from tests.auth_api.http import call, document_of, session_token
from tests.auth_api.logs import logged, names_of
from tests.auth_api.mails import mailed_token
from tests.auth_api.sessions.conftest import PASSWORD
from tests.auth_api.users.admin_browser import USERS, AdminBrowser, action

pytestmark = pytest.mark.django_db(transaction=True)
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
Log = Callable[[], list[SecurityEvent]]
Kinds = Callable[[], list[str]]


def login(password: str = PASSWORD, email: str = "ada@example.com", **headers: str) -> Any:
    given = {"HTTP_GATEHOUSE_CLIENT_USER_AGENT": CHROME, "HTTP_X_REQUEST_ID": "request-1"}
    body = {"email": email, "password": password}
    return call("POST", "/v1/login", body, **{**given, **headers})


def test_a_sign_in_has_time_address_device_request_and_session(log: Log) -> None:
    handle = login().json()["session"]["handle"]
    (event,) = log()
    assert event.kind == "session.started"
    assert (event.address, event.device) == ("203.0.113.7", "Chrome 156 on Linux")
    assert (event.request_id, event.handle, event.by) == ("request-1", handle, "owner")
    assert (event.count, event.first_at) == (1, event.at)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, "wrong-password"),
        ({"is_active": False}, "wrong-password"),
        ({"password": "!"}, "no-password"),
    ],
)
def test_a_failure_is_logged_for_an_account_that_there_is(
    user: User, log: Log, changes: dict[str, Any], reason: str
) -> None:
    User.objects.filter(pk=user.pk).update(**{"name": "Ada", **changes})
    before = len(log())
    login("x" * 20)
    event = log()[-1]
    assert len(log()) == before + 1
    assert (event.kind, event.reason) == ("login.failed", reason)
    assert (event.address, event.request_id) == ("203.0.113.7", "request-1")


def test_a_failure_at_no_account_is_in_no_log(log: Log) -> None:
    login(email="nobody@example.com")
    assert log() == []
    assert not SecurityEvent.objects.exists()


def test_a_known_and_an_unknown_address_cost_the_request_the_same(user: User) -> None:
    """The log must not tell by its time which accounts there are (ASVS 6.3.8)."""
    counts = []
    for email in ("ada@example.com", "nobody@example.com"):
        with CaptureQueriesContext(connection) as queries:
            assert login("x" * 20, email).status_code == 401
        counts.append([query["sql"].partition(" WHERE ")[0] for query in queries])
    assert counts[0] == counts[1]


def test_what_was_held_up_is_logged_for_its_account(log: Log, user: User) -> None:
    for _ in range(FREE_TRIES + 3):
        login("x" * 20)
    assert [(event.kind, event.count) for event in log()] == [
        ("login.failed", FREE_TRIES),
        ("login.throttled", 3),
    ]


def test_ends_of_sessions_are_logged_with_their_handle(kinds: Kinds, log: Log) -> None:
    first, second = login(), login()
    token = session_token(second)
    handle = first.json()["session"]["handle"]
    call("DELETE", f"/v1/sessions/{handle}", token=token)
    assert log()[-1].handle == handle
    call("POST", "/v1/sessions/revoke-others", {}, token=token)
    token = session_token(call("POST", "/v1/reauthenticate", {"password": PASSWORD}, token=token))
    call("POST", "/v1/logout", {}, token=token)
    call("POST", "/v1/logout", {}, token=token)  # it is over already
    call("POST", "/v1/sessions/revoke-all", {}, token=session_token(login()))
    assert kinds()[2:] == [
        "session.ended", "session.others_ended", "session.reauthenticated", "session.ended",
        "session.started", "session.all_ended",
    ]  # fmt: skip


def test_an_ended_session_says_in_the_structured_log_whose_it_was(user: User) -> None:
    token = session_token(login())
    with logged() as events:
        call("POST", "/v1/logout", {}, token=token)
    (event,) = events
    assert (event["event"], event["user"]) == ("session.ended", str(user.pk))
    assert len(event["handle"]) == 16


CHANGES: list[tuple[dict[str, Any], str, str]] = [
    ({"name": "Ada L."}, "name.changed", ""),
    ({"email": "ada@new.example"}, "address.changed", ""),
    ({"is_active": False}, "account.deactivated", ""),
    ({"email_verified": False}, "account.rights_changed", "email_verified=False"),
    ({"is_staff": True}, "account.rights_changed", "is_staff=True"),
    ({"is_superuser": True}, "account.rights_changed", "is_superuser=True"),
    ({"password": "!other"}, "password.changed", ""),
]


@pytest.mark.parametrize("in_bulk", [True, False])
@pytest.mark.parametrize(("changes", "kind", "reason"), CHANGES)
def test_whoever_changes_an_account_leaves_an_event(
    user: User, log: Log, changes: dict[str, Any], kind: str, reason: str, in_bulk: bool
) -> None:
    if in_bulk:
        User.objects.filter(pk=user.pk).update(**changes)
    else:
        for name, value in changes.items():
            setattr(user, name, value)
        user.save()
    (event,) = log()
    assert (event.kind, event.reason, event.by) == (kind, reason, "system")


def test_what_is_not_changed_leaves_no_event(user: User, log: Log) -> None:
    user.save()
    User.objects.filter(pk=user.pk).update(name=user.name)
    user.rehash_password(PASSWORD)
    assert log() == []


def test_a_change_that_is_rolled_back_leaves_no_event_anywhere(user: User, log: Log) -> None:
    with logged() as events:

        def fail() -> None:
            with transaction.atomic():
                user.name = "Mallory"
                user.save()
                raise RuntimeError

        with pytest.raises(RuntimeError):
            fail()
    assert log() == []
    assert names_of(events) == []


def test_a_change_outside_of_a_transaction_is_refused(user: User) -> None:
    with pytest.raises(transaction.TransactionManagementError):
        record_change(user, Kind.NAME_CHANGED)


def test_an_account_that_nobody_confirmed_is_not_somebodys_yet(log: Log, user: User) -> None:
    """Whoever registers it anew changes its password, as often as they like."""
    new = User.objects.create_user("new@example.com", PASSWORD)
    new.set_password("another " * 3)
    new.save()
    assert not SecurityEvent.objects.filter(user=new).exists()


def test_staff_are_named_as_staff_without_their_address(user: User, log: Log) -> None:
    User.objects.create_superuser("root@example.com", PASSWORD)
    root = AdminBrowser()
    root.login("root@example.com")
    action(root, "deactivate", user)
    action(root, "end_all_sessions", user)
    assert [(e.kind, e.by, e.address, e.device) for e in log()] == [
        ("account.deactivated", "staff", "", ""),
        ("session.all_ended", "staff", "", ""),
    ]


def test_the_admins_door_is_in_the_log_of_its_staff(user: User) -> None:
    staff = User.objects.create_superuser("root@example.com", PASSWORD)
    root = AdminBrowser()
    root.login("root@example.com")
    assert root.get(USERS).status_code == 200
    root.post("/admin/logout/", {}, page=USERS)
    assert writer.drain()
    started, ended = SecurityEvent.objects.filter(user=staff).order_by("at")
    assert (started.kind, ended.kind) == ("session.started", "session.ended")
    assert started.handle == ended.handle != ""
    assert (started.reason, started.by) == ("admin", "owner")


def test_a_command_is_logged_as_the_system(user: User, log: Log) -> None:
    login()
    call_command("end_sessions", email=user.email)
    assert writer.drain()
    set_active([user], active=False)
    assert [(event.kind, event.by) for event in log()][1:] == [
        ("session.all_ended", "system"),
        ("account.deactivated", "system"),
    ]


def test_a_change_names_the_session_that_made_it(log: Log) -> None:
    answer = login()
    form = {"current_password": PASSWORD, "new_password": "seven maps of a small island"}
    call("POST", "/v1/password/change", form, token=session_token(answer))
    changed = log()[-1]
    assert (changed.kind, changed.address) == ("password.changed", "203.0.113.7")
    assert changed.handle == answer.json()["session"]["handle"]


def test_a_reset_is_asked_for_and_made(kinds: Kinds, user: User) -> None:
    from auth_api.users.tokens import reset_links

    for email in ("ada@example.com", "nobody@example.com"):
        call("POST", "/v1/password/forgot", {"email": email})
    with transaction.atomic():
        [link] = reset_links([user])
        token = link.token
    form = {"token": token, "password": "seven maps of a small island"}
    assert call("POST", "/v1/password/reset", form).status_code == 200
    assert kinds() == ["password.reset_asked", "password.changed", "password.reset"]
    assert SecurityEvent.objects.count() == 3


def test_another_address_that_was_asked_for_is_in_the_log(kinds: Kinds, log: Log) -> None:
    token = session_token(login())
    asked = call("POST", "/v1/email/change", {"email": "ada@example.org"}, token=token)
    assert asked.status_code == 202
    assert kinds() == ["session.started", "address.change_asked"]
    assert (log()[-1].address, log()[-1].by) == ("203.0.113.7", "owner")


def test_what_was_not_asked_for_after_all_is_not(kinds: Kinds) -> None:
    token = session_token(login())
    same = call("POST", "/v1/email/change", {"email": "ada@example.com"}, token=token)
    assert same.status_code == 400
    assert kinds() == ["session.started"]


def test_a_wrong_password_at_a_mailed_link_is_in_the_log(user: User) -> None:
    form = {"email": "new@example.com", "password": PASSWORD}
    call("POST", "/v1/register", form)
    proof = {"token": mailed_token("new@example.com"), "password": "not the password"}
    for _ in range(2):
        assert call("POST", "/v1/email/verify", proof).status_code == 401
    assert writer.drain()
    event = SecurityEvent.objects.get(user__email="new@example.com")
    assert (event.kind, event.reason) == ("verification.failed", "wrong-password")
    assert (event.count, event.address) == (2, "203.0.113.7")


def test_ones_own_data_has_the_events(log: Log) -> None:
    token = session_token(login())
    exported = document_of(call("GET", "/v1/account/export", token=token))["security_events"]
    assert "session.started" in [event["event"] for event in exported]
    assert log()[-1].kind == "account.exported"

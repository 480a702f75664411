"""Actions of staff: each asks why, records it, and does many accounts batch by batch."""

from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission

from auth_api.mail.models import OutboxMail
from auth_api.security_log.kinds import Kind
from auth_api.security_log.models import SecurityEvent
from auth_api.security_log.writer import writer
from auth_api.sessions.exceptions import SessionStoreUnavailable
from auth_api.throttling import FREE_TRIES
from auth_api.users.admin.actions import ACTIONS
from auth_api.users.models import User
from tests.auth_api.http import call, session_token
from tests.auth_api.logs import logged, names_of
from tests.auth_api.sessions.conftest import PASSWORD, is_alive, make_user
from tests.auth_api.users.admin_browser import REASON, USERS, AdminBrowser, action, confirm, form_of
from tests.auth_api.users.test_admin_rights import change

pytestmark = pytest.mark.django_db(transaction=True)


def people(count: int, **fields: Any) -> list[User]:
    fields = {"password": "argon2$none", "email_verified": True, **fields}
    made = [User(email=f"p{number:04}@example.com", **fields) for number in range(count)]
    return User.objects.bulk_create(made)


def event_of(user: User, kind: Kind) -> SecurityEvent:
    assert writer.drain()
    return SecurityEvent.objects.get(user=user, kind=kind)


def login(email: str, password: str = PASSWORD) -> Any:
    return call("POST", "/v1/login", {"email": email, "password": password})


@pytest.mark.parametrize(
    ("name", "before", "kind"),
    [
        ("unlock", {}, Kind.UNLOCKED),
        ("resend_confirmation", {"email_verified": False}, Kind.CONFIRMATION_SENT),
        ("send_reset_link", {}, Kind.RESET_SENT),
        ("end_all_sessions", {}, Kind.ALL_ENDED),
        ("require_enrolment", {}, Kind.ENROLMENT_REQUIRED),
        ("deactivate", {}, Kind.DEACTIVATED),
        ("activate", {"is_active": False}, Kind.ACTIVATED),
    ],
)
def test_each_action_asks_why_and_the_log_has_it_and_who(
    root: AdminBrowser, name: str, before: dict[str, bool], kind: Kind
) -> None:
    one, other = people(2, **before)
    asked = root.post(USERS, {"action": name, "_selected_action": [str(one.pk), str(other.pk)]})
    assert "2 accounts" in asked.content.decode()
    refused = confirm(root, asked, USERS, " ")
    assert "This field is required" in refused.content.decode()
    assert not SecurityEvent.objects.filter(kind=kind).exists()
    assert confirm(root, refused, USERS).status_code == 302
    by = User.objects.get(email="root@example.com")
    for user in (one, other):
        event = event_of(user, kind)
        assert (event.by, event.actor, event.reason) == ("staff", by, REASON)
    assert "staff: root@example.com" in root.get(f"{USERS}{one.pk}/change/").content.decode()


def test_factors_are_removed_only_soon_after_a_sign_in(root: AdminBrowser, settings: Any) -> None:
    [ada] = people(1)
    asked = root.post(USERS, {"action": "require_enrolment", "_selected_action": [str(ada.pk)]})
    settings.GATEHOUSE = replace(settings.GATEHOUSE, recent_authentication=-1)
    assert confirm(root, asked, USERS).status_code == 302
    assert "you signed in too long ago" in root.get(USERS).content.decode()
    assert not SecurityEvent.objects.filter(kind=Kind.ENROLMENT_REQUIRED).exists()
    assert action(root, "unlock", ada).status_code == 302


def test_a_user_is_unlocked(root: AdminBrowser) -> None:
    ada = make_user("ada@example.com")
    for _ in range(FREE_TRIES):
        login(ada.email, "not the password")
    assert login(ada.email).status_code == 429
    assert writer.drain()
    action(root, "unlock", ada)
    assert login(ada.email).status_code == 200


def test_on_the_page_of_a_user_the_same_actions_lead_back_to_it(root: AdminBrowser) -> None:
    ada = make_user("ada@example.com")
    page = f"{USERS}{ada.pk}/change/"
    html = root.get(page).content.decode()
    offered = {name: f'value="{name}"' in html for name in ("deactivate", "activate", "unlock")}
    assert offered == {"deactivate": True, "activate": False, "unlock": True}
    chosen = {"action": "deactivate", "_selected_action": str(ada.pk), "from_page": "1"}
    assert confirm(root, root.post(USERS, chosen), USERS)["Location"] == page
    assert "Deactivate: 1 account. 1 accounts deactivated." in root.get(page).content.decode()


def test_the_owner_reads_the_reason_and_not_who_of_the_staff(root: AdminBrowser) -> None:
    ada = make_user("ada@example.com")
    action(root, "end_all_sessions", ada)
    items = call("GET", "/v1/security-events", token=session_token(login(ada.email))).json()
    (item,) = [each for each in items["items"] if each["event"] == "session.all_ended"]
    assert (item["by"], item["reason"], item["ip"]) == ("staff", REASON, "")
    assert "root@example.com" not in str(items)
    assert str(User.objects.get(email="root@example.com").pk) not in str(items)


def test_a_change_in_the_form_has_its_reason_too(root: AdminBrowser) -> None:
    ada, ops = make_user("ada@example.com"), Group.objects.create(name="ops")
    may = Permission.objects.get(codename="view_group")
    assert change(root, ada, name="Ada L.", reason=" ").status_code == 200
    form = {"name": "Ada L.", "groups": str(ops.pk), "user_permissions": str(may.pk)}
    assert change(root, ada, **form).status_code == 302
    told = SecurityEvent.objects.filter(user=ada, by="staff", actor__isnull=False)
    assert set(told.values_list("kind", "reason")) == {
        (Kind.NAME_CHANGED, REASON),
        (Kind.RIGHTS_CHANGED, f"added to group ops; {REASON}"),
        (Kind.RIGHTS_CHANGED, f"granted auth.view_group; {REASON}"),
    }
    root.post(f"{USERS}add/", {"email": "new@example.com", "is_active": "on", "reason": REASON})
    assert event_of(User.objects.get(email="new@example.com"), Kind.CREATED).reason == REASON


def test_many_are_done_in_batches_and_a_failed_one_is_resumed(
    root: AdminBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    deactivate = next(each for each in ACTIONS if each.name == "deactivate")
    monkeypatch.setitem(vars(deactivate), "batch", 2)
    people(5)
    everybody = {"action": "deactivate", "select_across": "1", "_selected_action": "x"}
    page = root.post(f"{USERS}?email_verified__exact=1&q=p00", everybody)
    path = page.wsgi_request.get_full_path()
    page = confirm(root, page, path)
    assert "2 of 5 accounts done, 3 left." in page.content.decode()
    assert "data-continue" in page.content.decode()
    with monkeypatch.context() as outage:
        outage.setattr("auth_api.users.models.fence_locked_users", _unavailable)
        page = root.post(path, form_of(page), page=USERS)
        html = page.content.decode()
        assert "Redis does not answer. This batch was not processed." in html
        assert "data-continue" not in html
    page = root.post(path, form_of(page), page=USERS)
    assert "4 of 5 accounts done, 1 left." in page.content.decode()
    assert User.objects.filter(is_active=True, email__startswith="p").count() == 1
    assert root.post(path, form_of(page), page=USERS)["Location"] == path
    told = "Deactivate: 5 accounts. 5 accounts deactivated."
    assert told in root.get(USERS).content.decode()
    assert set(SecurityEvent.objects.values_list("reason", "kind").filter(by="staff")) == {
        (REASON, Kind.DEACTIVATED)
    }


def _unavailable(*_: object) -> None:
    raise SessionStoreUnavailable("gone")


def test_more_accounts_than_a_form_may_have_fields(root: AdminBrowser) -> None:
    """No page carries the ids of all: Django refuses more than 1,000 fields with a 400."""
    people(1001)
    ada = make_user("ada@example.com")
    token = session_token(login(ada.email))
    chosen = {"action": "end_all_sessions", "select_across": "1", "_selected_action": str(ada.pk)}
    page = root.post(USERS, chosen)
    assert "1002 accounts" in page.content.decode()
    page = confirm(root, page, USERS)
    assert sum(map(len, form_of(page).values())) < 12
    assert "1000 of 1002 accounts done, 2 left." in page.content.decode()
    assert root.post(USERS, form_of(page), page=USERS).status_code == 302
    assert not is_alive(token)
    assert SecurityEvent.objects.filter(kind=Kind.ALL_ENDED, reason=REASON).count() == 1002


@pytest.mark.parametrize("name", ["deactivate", "delete_selected", "end_all_sessions"])
def test_ones_own_account_is_left_out_of_all(root: AdminBrowser, name: str) -> None:
    chosen = {"action": name, "select_across": "1", "_selected_action": "x"}
    assert root.post(USERS, chosen).status_code == 302
    people(1)
    page = root.post(USERS, chosen)
    assert "1 of the selected is left out: your own account" in page.content.decode()
    confirm(root, page, USERS)
    assert root.get("/admin/").status_code == 200


def test_an_account_that_was_made_after_the_question_is_not_in_the_run(root: AdminBrowser) -> None:
    people(1)
    chosen = {"action": "delete_selected", "select_across": "1", "_selected_action": "x"}
    page = root.post(USERS, chosen)
    late = make_user("late@example.com")
    confirm(root, page, USERS)
    assert [user.email for user in User.objects.all()] == [late.email, "root@example.com"]


def test_accounts_are_deleted_together_with_a_reason(root: AdminBrowser) -> None:
    gone = people(3)
    with logged() as events:
        action(root, "delete_selected", *gone)
    assert names_of(events).count("account.deleted") == 3
    assert {event["reason"] for event in events if event["event"] == "account.deleted"} == {REASON}
    assert User.objects.count() == 1


@pytest.mark.parametrize("results", ["[1]", '{"x": "y"}', "nonsense"])
def test_a_forged_state_is_refused(root: AdminBrowser, results: str) -> None:
    ada = make_user("ada@example.com")
    page = root.post(USERS, {"action": "deactivate", "_selected_action": str(ada.pk)})
    form = {**form_of(page), "reason": REASON, "results": results}
    assert root.post(USERS, form, page=USERS).status_code == 200
    ada.refresh_from_db()
    assert ada.is_active


def test_the_outbox_deletes_more_mails_than_a_form_may_have_fields(root: AdminBrowser) -> None:
    OutboxMail.objects.bulk_create(OutboxMail(to="a@example.com") for _ in range(1001))
    chosen = {"action": "delete_selected", "select_across": "1", "_selected_action": "1"}
    path = "/admin/mail/outboxmail/"
    page = root.post(path, chosen)
    assert root.post(path, form_of(page), page=path).status_code == 302
    assert not OutboxMail.objects.exists()

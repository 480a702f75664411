"""What support sees of users, in the list and on a user's page, and what it costs."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from auth_api.mail.outbox import queue_mail
from auth_api.security_log.kinds import Kind
from auth_api.security_log.models import SecurityEvent
from auth_api.security_log.writer import writer
from auth_api.sessions.exceptions import SessionStoreUnavailable
from auth_api.throttling import FREE_TRIES
from auth_api.users.models import User
from tests.auth_api.factors import enrol
from tests.auth_api.http import call, session_token
from tests.auth_api.sessions.conftest import CLIENT, PASSWORD, make_user
from tests.auth_api.users.admin_browser import REASON, USERS, AdminBrowser, confirm
from tests.auth_api.users.test_admin_rights import make_staff
from tests.store_contents import command_counts, reset_command_counts

pytestmark = pytest.mark.django_db(transaction=True)


def page_of(browser: AdminBrowser, user: User) -> str:
    html: str = browser.get(f"{USERS}{user.pk}/change/").content.decode()
    return html


def row_of(browser: AdminBrowser, user: User) -> dict[str, str]:
    """The columns of a user in the list, by name."""
    html = browser.get(f"{USERS}?q={user.email}").content.decode()
    row = html.partition('id="result_list"')[2].partition("<tbody>")[2]
    cells = re.findall(r'class="field-(\w+)[^>]*>(.*?)</t[dh]>', row, re.DOTALL)
    return {name: re.sub("<[^>]*>", "", text).strip() for name, text in cells}


def sign_in(email: str, **headers: str) -> str:
    answer = call("POST", "/v1/login", {"email": email, "password": PASSWORD}, **headers)
    return session_token(answer)


def people(count: int) -> None:
    User.objects.bulk_create(
        User(email=f"p{n}@example.com", password="!", email_verified=True) for n in range(count)
    )


def events(user: User, count: int) -> None:
    SecurityEvent.objects.bulk_create(
        SecurityEvent(user=user, kind=Kind.REAUTHENTICATED) for _ in range(count)
    )


def test_the_list_says_who_signed_in_on_the_site_and_who_is_throttled(root: AdminBrowser) -> None:
    ada = make_user("ada@example.com")
    assert (row_of(root, ada)["last_sign_in"], row_of(root, ada)["live_sessions"]) == ("never", "0")
    for _ in range(2):
        sign_in(ada.email)
    body = {"email": ada.email, "password": "not the password"}
    for _ in range(FREE_TRIES + 1):
        call("POST", "/v1/login", body, HTTP_GATEHOUSE_CLIENT_ADDRESS="198.51.100.77")
    assert writer.drain()
    row = row_of(root, ada)
    assert (row["status"], row["live_sessions"]) == ("active", "2")
    assert row["last_sign_in"].startswith(f"{timezone.now():%Y-%m-}")
    assert row["delayed"].startswith("198.51.100.77 until ")
    User.objects.filter(pk=ada.pk).update(is_active=False)
    assert (row_of(root, ada)["status"], row_of(root, ada)["live_sessions"]) == ("deactivated", "0")


def test_a_sign_in_that_the_log_has_forgotten_is_not_called_never(root: AdminBrowser) -> None:
    ada = make_user("ada@example.com")
    User.objects.filter(pk=ada.pk).update(date_joined="2020-01-01T00:00Z")
    assert row_of(root, ada)["last_sign_in"] == "not in the last 180 days"


def test_without_redis_the_rest_of_the_pages_is_there(
    root: AdminBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session of the staff may be on a node that answers, and the user's on one that does not."""
    ada = make_user("ada@example.com")

    def gone(*_: object, **__: object) -> Any:
        raise SessionStoreUnavailable("gone")

    monkeypatch.setattr("auth_api.sessions.redis.backend.RedisBackend.counts", gone)
    monkeypatch.setattr("auth_api.sessions.redis.backend.RedisBackend.live_id_hashes", gone)
    monkeypatch.setattr("auth_api.delays.asked_each", gone)
    row = row_of(root, ada)
    assert (row["live_sessions"], row["delayed"], row["status"]) == ("unknown", "unknown", "active")
    assert "Unknown: Redis does not answer." in page_of(root, ada)


def test_the_page_of_a_user_shows_sessions_events_mails_and_factors(root: AdminBrowser) -> None:
    ada = make_user("ada@example.com")
    token = sign_in(ada.email, HTTP_USER_AGENT=CLIENT.user_agent)
    enrol(token)
    queue_mail(
        to="ADA@example.com", template="reset", subject="Set a new password", secret="s3cret"
    )
    page = page_of(root, ada)
    for shown in ("203.0.113.7", "Signed in", "Authenticator app added", "Telephone", "<td>reset"):
        assert shown in page
    assert "s3cret" not in page


def test_one_session_is_ended_with_a_reason(root: AdminBrowser) -> None:
    ada = make_user("ada@example.com")
    ended, kept = sign_in(ada.email), sign_in(ada.email)
    handle = call("GET", "/v1/session", token=ended).json()["session"]["handle"]
    path = f"{USERS}{ada.pk}/sessions/{handle}/end/"
    assert f'href="{path}"' in page_of(root, ada)
    asked = root.get(path)
    assert call("GET", "/v1/session", token=ended).status_code == 200
    assert confirm(root, asked, path, "").status_code == 200
    assert call("GET", "/v1/session", token=ended).status_code == 200
    assert confirm(root, asked, path).status_code == 302
    assert call("GET", "/v1/session", token=ended).status_code == 401
    assert call("GET", "/v1/session", token=kept).status_code == 200
    assert writer.drain()
    event = SecurityEvent.objects.get(user=ada, kind=Kind.SESSION_ENDED)
    assert (event.handle, event.by, event.reason) == (handle, "staff", REASON)
    assert event.actor == User.objects.get(email="root@example.com")


def test_who_may_only_look_gets_no_buttons_and_no_other_tables(root: AdminBrowser) -> None:
    ada = make_user("ada@example.com")
    sign_in(ada.email)
    viewer = make_staff("viewer@example.com")
    viewer.user_permissions.set(_permissions("view_user"))
    browser = AdminBrowser()
    browser.login(viewer.email)
    page = page_of(browser, ada)
    assert "Live sessions" in page
    for hidden in ("Recent events", "Mails to be sent</h2>", "End</a>", "gh-actions", "_save"):
        assert hidden not in page
    assert "action-select" not in browser.get(USERS).content.decode()
    handle = re.findall(r"<td>([\w-]{16})</td>", page)[0]
    for path in (f"{USERS}{ada.pk}/sessions/{handle}/end/", f"{USERS}{ada.pk}/delete/"):
        assert browser.get(path).status_code == 403
        assert browser.post(path, {"reason": REASON}, page=USERS).status_code == 403
    chosen = {"action": "deactivate", "_selected_action": str(ada.pk), "reason": REASON}
    assert browser.post(USERS, chosen).status_code == 403
    ada.refresh_from_db()
    assert ada.is_active


def _permissions(*codenames: str) -> Any:
    from django.contrib.auth.models import Permission

    return Permission.objects.filter(codename__in=codenames)


def queries_of(browser: AdminBrowser, path: str) -> int:
    browser.get(path)  # fills the caches of snapshots and content types
    with CaptureQueriesContext(connection) as captured:
        assert browser.get(path).status_code == 200
    return len(captured)


def test_the_list_takes_as_many_queries_for_three_users_as_for_three_hundred(
    root: AdminBrowser, redis_client: Any
) -> None:
    def cost() -> tuple[int, int]:
        """The queries, and the users whose sessions were counted."""
        queries = queries_of(root, USERS)
        reset_command_counts(redis_client)
        root.get(USERS)
        return queries, command_counts(redis_client)["zcount"]

    people(2)
    queries, counted = cost()
    assert counted == 3
    User.objects.exclude(email="root@example.com").delete()
    people(300)
    assert cost() == (queries, 100)  # those of the page
    assert queries <= 7


def test_the_page_of_a_user_takes_as_many_queries_with_much_in_it(root: AdminBrowser) -> None:
    ada = make_user("ada@example.com")
    path = f"{USERS}{ada.pk}/change/"
    before = queries_of(root, path)
    events(ada, 300)
    ada.user_permissions.set(_permissions("view_user", "change_user", "view_group"))
    for _ in range(5):
        sign_in(ada.email)
    assert queries_of(root, path) == before <= 14


def test_so_does_that_of_staff_who_are_no_superusers(root: AdminBrowser) -> None:
    ada = make_user("ada@example.com")
    clerk = make_staff("clerk@example.com", "user")
    browser = AdminBrowser()
    browser.login(clerk.email)
    path = f"{USERS}{ada.pk}/change/"
    before = queries_of(browser, path)
    ada.user_permissions.set(_permissions("view_user", "change_user", "view_group"))
    assert queries_of(browser, path) == before
    assert "Can change user" in browser.get(path).content.decode()

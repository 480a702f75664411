"""Staff read the log of every account, and change nothing in it."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission

from auth_api.security_log.models import SecurityEvent
from auth_api.users.models import User
from tests.auth_api.logs import logged
from tests.auth_api.security_log.test_recording import login
from tests.auth_api.sessions.conftest import make_user
from tests.auth_api.users.admin_browser import REASON, AdminBrowser, confirm, superuser_browser

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "/admin/security_log/securityevent/"


@pytest.fixture
def root(user: User) -> AdminBrowser:
    return superuser_browser()


def staff(*permissions: str) -> AdminBrowser:
    eve = make_user("eve@example.com")
    User.objects.filter(pk=eve.pk).update(is_staff=True)
    eve.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    browser = AdminBrowser()
    browser.login("eve@example.com")
    return browser


def test_the_page_of_a_user_leads_to_their_events(root: AdminBrowser, user: User) -> None:
    login(HTTP_GATEHOUSE_CLIENT_ADDRESS="198.51.100.77")
    link = f"{LIST}?user__id__exact={user.pk}"
    assert link in root.get(f"/admin/users/user/{user.pk}/change/").content.decode()
    page = root.get(link).content.decode()
    assert "198.51.100.77" in page
    assert "Signed in" in page
    assert "root@example.com</a>" not in page.partition('id="result_list"')[2]


def test_events_are_read_only(root: AdminBrowser, user: User) -> None:
    login()
    event = SecurityEvent.objects.get(user=user)
    for path in (f"{LIST}add/", f"{LIST}{event.pk}/delete/"):
        assert root.get(path).status_code == 403
    page = root.get(f"{LIST}{event.pk}/change/").content.decode()
    assert 'name="_save"' not in page
    root.post(f"{LIST}{event.pk}/change/", {"address": "192.0.2.1"}, page=LIST)
    root.post(LIST, {"action": "delete_selected", "_selected_action": [event.pk], "post": "yes"})
    assert SecurityEvent.objects.get(pk=event.pk).address == event.address


def test_the_log_is_for_staff_who_were_given_it(user: User) -> None:
    assert staff("view_user").get(LIST).status_code == 403


def test_no_other_column_of_a_user_is_searched_from_here(user: User) -> None:
    browser = staff("view_securityevent")
    assert browser.get(LIST).status_code == 200
    for lookup in ("user__password__startswith=a", "user__is_staff__exact=1", "bucket=x"):
        assert browser.get(f"{LIST}?{lookup}").status_code in (302, 400)


def test_an_account_is_deleted_with_its_log(root: AdminBrowser, user: User) -> None:
    login()
    path = f"/admin/users/user/{user.pk}/delete/"
    with logged() as events:
        assert confirm(root, root.get(path), path).status_code == 302
    assert not User.objects.filter(pk=user.pk).exists()
    (told,) = [event for event in events if event["event"] == "account.deleted"]
    by = User.objects.get(email="root@example.com")
    assert (told["user"], told["actor"], told["reason"]) == (str(user.pk), str(by.pk), REASON)
    assert LogEntry.objects.get().change_message == REASON

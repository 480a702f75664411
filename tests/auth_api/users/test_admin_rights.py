"""What staff can do to others and to themselves: no more than they were given."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission

from auth_api.mail.models import OutboxMail
from auth_api.users.models import User
from tests.auth_api.http import call, session_token
from tests.auth_api.logs import logged, names_of
from tests.auth_api.sessions.conftest import PASSWORD, is_alive, make_user
from tests.auth_api.users.admin_browser import REASON, USERS, AdminBrowser, action

pytestmark = pytest.mark.django_db(transaction=True)
GROUPS = "/admin/auth/group/"


def make_staff(email: str, *models: str) -> User:
    user: User = make_user(email)
    user.is_staff = True
    user.save()
    user.user_permissions.set(Permission.objects.filter(content_type__model__in=models))
    return user


@pytest.fixture
def clerk() -> AdminBrowser:
    """Somebody with every permission on users and groups, and no superuser."""
    make_staff("clerk@example.com", "user", "group")
    browser = AdminBrowser()
    assert browser.login("clerk@example.com").status_code == 302
    return browser


def change(browser: AdminBrowser, user: User, **values: str) -> Any:
    form = {"email": user.email, "name": user.name, "is_active": "on", "email_verified": "on"}
    form["reason"] = REASON
    return browser.post(f"{USERS}{user.pk}/change/", {**form, **values}, page=USERS)


def test_staff_cannot_move_an_account_to_an_address_of_their_own(clerk: AdminBrowser) -> None:
    ada = make_user("ada@example.com")
    User.objects.filter(pk=ada.pk).update(email_verified=False)
    assert change(clerk, ada, email="clerk+1@example.com", name="Ada L.").status_code == 302
    ada.refresh_from_db()
    assert (ada.email, ada.email_verified, ada.name) == ("ada@example.com", False, "Ada L.")


def test_a_superuser_can_and_the_change_of_address_ends_every_session(root: AdminBrowser) -> None:
    ada = make_user("ada@example.com")
    body = {"email": ada.email, "password": PASSWORD}
    token = session_token(call("POST", "/v1/login", body))
    change(root, ada, email="lovelace@example.com")
    ada.refresh_from_db()
    assert ada.email == "lovelace@example.com"
    assert not is_alive(token)


@pytest.mark.parametrize("rights", [{"is_staff": True}, {"is_superuser": True}])
def test_staff_touch_no_other_staff(clerk: AdminBrowser, rights: dict[str, bool]) -> None:
    other = make_user("other@example.com")
    for name, value in rights.items():
        setattr(other, name, value)
    other.save()
    name = other.name
    assert change(clerk, other, name="Changed").status_code == 403
    action(clerk, "deactivate", other)
    clerk.post(f"{USERS}{other.pk}/delete/", {"post": "yes"}, page=USERS)
    clerk.post(USERS, {"action": "delete_selected", "_selected_action": str(other.pk), "post": "y"})
    other.refresh_from_db()
    assert (other.name, other.is_active) == (name, True)


def test_staff_do_not_even_change_themselves(clerk: AdminBrowser) -> None:
    me = User.objects.get(email="clerk@example.com")
    assert change(clerk, me, email="me@example.com").status_code == 403


def test_staff_raise_nobody_by_a_group(clerk: AdminBrowser) -> None:
    group = Group.objects.create(name="clerks")
    User.objects.get(email="clerk@example.com").groups.add(group)
    every = [str(pk) for pk in Permission.objects.values_list("pk", flat=True)]
    form = {"name": "clerks", "permissions": every}
    assert clerk.post(f"{GROUPS}{group.pk}/change/", form, page=USERS).status_code == 403
    assert clerk.post(f"{GROUPS}add/", {**form, "name": "more"}, page=USERS).status_code == 403
    assert clerk.post(f"{GROUPS}{group.pk}/delete/", {"post": "yes"}, page=USERS).status_code == 403
    assert not Group.objects.get().permissions.exists()


def test_a_superuser_keeps_groups(root: AdminBrowser) -> None:
    assert root.post(f"{GROUPS}add/", {"name": "clerks"}).status_code == 302
    assert Group.objects.get().name == "clerks"


@pytest.mark.parametrize(
    "query",
    [
        "password__startswith=argon2", "password__regex=.", "password=x", "session_ref__gt=a",
        "session_epoch=1", "last_login__isnull=1", "user_permissions__codename=x",
        "groups__name__startswith=a", "email__regex=a", "is_active__gt=0",
    ],
)  # fmt: skip
def test_no_lookup_spells_out_what_the_list_does_not_show(root: AdminBrowser, query: str) -> None:
    with logged() as events:
        assert root.get(f"{USERS}?{query}").status_code in (302, 400)
        assert root.get(f"{GROUPS}?user__{query}").status_code in (302, 400)
    refused = [event for event in events if event["event"] == "request.refused"]
    assert [event["reason"] for event in refused] == ["DisallowedModelAdminLookup"] * 2
    assert names_of(events) == names_of(refused)  # one line each, and no traceback
    assert not any("exception" in event for event in events)


@pytest.mark.parametrize(
    "query",
    [
        "is_active__exact=1",
        "email_verified__exact=0",
        "is_staff__exact=1",
        "date_joined__year=2026",
    ],
)
def test_the_lists_own_links_work(root: AdminBrowser, query: str) -> None:
    assert root.get(f"{USERS}?{query}").status_code == 200


def test_signing_in_without_a_target_leads_to_the_admin(root: AdminBrowser) -> None:
    browser = AdminBrowser()
    form = {"username": "root@example.com", "password": PASSWORD}
    answer = browser.post("/admin/login/", form)
    assert (answer.status_code, answer["Location"]) == (302, "/admin/")


def test_staff_have_no_link_mailed_for_other_staff(clerk: AdminBrowser) -> None:
    boss = make_staff("boss@example.com")
    action(clerk, "send_reset_link", boss)
    assert not OutboxMail.objects.exists()


def test_only_superusers_put_people_into_groups(clerk: AdminBrowser) -> None:
    ops, ada = Group.objects.create(name="ops"), make_user("ada@example.com")
    assert change(clerk, ada, groups=str(ops.pk), name="Ada L.").status_code == 302
    assert not ada.groups.exists()
    clerk.post(f"{GROUPS}{ops.pk}/change/", {"name": "renamed"}, page=USERS)
    assert Group.objects.get().name == "ops"


def test_a_superuser_does_and_the_list_shows_who_is_in_one(root: AdminBrowser) -> None:
    ops, ada = Group.objects.create(name="ops"), make_user("ada@example.com")
    make_user("eve@example.com")
    body = {"email": ada.email, "password": PASSWORD}
    token = session_token(call("POST", "/v1/login", body))
    assert change(root, ada, groups=str(ops.pk)).status_code == 302
    assert call("GET", "/v1/session", token=token).json()["user"]["groups"] == ["ops"]
    listed = root.get(f"{USERS}?groups__id__exact={ops.pk}").content.decode()
    assert "ada@example.com" in listed
    assert "eve@example.com" not in listed
    form = {"name": "former-ops", "permissions": []}
    assert root.post(f"{GROUPS}{ops.pk}/change/", form).status_code == 302
    assert call("GET", "/v1/session", token=token).json()["user"]["groups"] == ["former-ops"]

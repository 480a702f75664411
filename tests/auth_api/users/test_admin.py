"""The admin on the private port: same engine, its own door, no passwords of others."""

from dataclasses import replace
from typing import Any

import pytest

from auth_api.mail.models import OutboxMail
from auth_api.users.models import User
from tests.auth_api.http import call, session_token
from tests.auth_api.mails import mailed_token, sent_mails
from tests.auth_api.sessions.conftest import PASSWORD, is_alive, make_user
from tests.auth_api.users.admin_browser import REASON, USERS, AdminBrowser, action
from tests.store_contents import stored_keys

pytestmark = pytest.mark.django_db(transaction=True)


def test_staff_sign_in_and_their_session_is_ours(root: AdminBrowser, redis_client: Any) -> None:
    cookie = root.client.cookies["__Host-admin-session"]
    assert (cookie["samesite"], cookie["secure"], cookie["path"]) == ("Strict", True, "/")
    assert set(root.client.cookies) == {"__Host-admin-session", "__Host-admin-csrf"}
    assert root.get("/admin/").status_code == 200
    assert any(b":index" in key for key in stored_keys(redis_client))


def test_an_admin_session_opens_no_site_and_the_reverse(root: AdminBrowser) -> None:
    token = root.client.cookies["__Host-admin-session"].value
    assert call("GET", "/v1/session", token=token).status_code == 401
    assert root.get("/admin/").status_code == 200
    body = {"email": "root@example.com", "password": PASSWORD}
    stranger = AdminBrowser()
    stranger.client.cookies["__Host-admin-session"] = session_token(call("POST", "/v1/login", body))
    assert stranger.get("/admin/").status_code == 302


def test_people_who_are_no_staff_stay_outside() -> None:
    make_user("ada@example.com")
    browser = AdminBrowser()
    assert browser.login("ada@example.com").status_code == 200
    assert browser.get("/admin/").status_code == 302


def test_the_admins_door_counts_failures_too() -> None:
    User.objects.create_superuser("root@example.com", PASSWORD)
    browser = AdminBrowser()
    for _ in range(10):
        browser.login("root@example.com", "a wrong one")
    assert b"Too many attempts" in browser.login("root@example.com").content


def test_an_empty_form_counts_as_no_try(redis_client: Any) -> None:
    User.objects.create_superuser("root@example.com", PASSWORD)
    browser = AdminBrowser()
    for _ in range(12):
        browser.login("root@example.com", "")
    assert not any(b"throttle" in key for key in stored_keys(redis_client))
    assert browser.login("root@example.com").status_code == 302


def test_users_are_searched_and_filtered(root: AdminBrowser) -> None:
    make_user("ada@example.com")
    make_user("bob@example.com")
    found = root.get(f"{USERS}?q=ada@&is_active__exact=1").content
    assert b"ada@example.com" in found
    assert b"bob@example.com" not in found


def test_all_sessions_of_a_user_are_ended(root: AdminBrowser) -> None:
    ada = make_user("ada@example.com")
    body = {"email": ada.email, "password": PASSWORD}
    tokens = [session_token(call("POST", "/v1/login", body)) for _ in range(3)]
    assert action(root, "end_all_sessions", ada).status_code == 302
    assert not any(is_alive(token) for token in tokens)
    assert b"End all sessions: 1 account. 3 sessions ended." in root.get(USERS).content


def test_deactivation_ends_the_sessions_and_forbids_new_ones(root: AdminBrowser) -> None:
    ada = make_user("ada@example.com")
    body = {"email": ada.email, "password": PASSWORD}
    token = session_token(call("POST", "/v1/login", body))
    action(root, "deactivate", ada)
    assert not is_alive(token)
    assert call("POST", "/v1/login", body).status_code == 401
    action(root, "activate", ada)
    assert call("POST", "/v1/login", body).status_code == 200


def test_no_form_shows_or_takes_a_password(root: AdminBrowser) -> None:
    ada = make_user("ada@example.com")
    for page in (f"{USERS}{ada.pk}/change/", f"{USERS}add/"):
        html = root.get(page).content.decode()
        assert 'type="password"' not in html
        assert "argon2" not in html
    change = {"email": ada.email, "name": "Ada", "is_active": "on", "email_verified": "on"}
    root.post(f"{USERS}{ada.pk}/change/", {**change, "password": "typed by the staff"})
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)


def test_a_user_made_here_has_no_password(root: AdminBrowser) -> None:
    form = {"email": "New@Example.com", "is_active": "on", "reason": REASON}
    assert root.post(f"{USERS}add/", form).status_code == 302
    assert not User.objects.get(email="new@example.com").has_usable_password()


def test_rights_that_are_taken_are_gone_at_the_next_click(root: AdminBrowser) -> None:
    user = User.objects.get(email="root@example.com")
    user.is_staff = False
    user.save()
    assert root.get(USERS).status_code == 302


def test_staff_cannot_raise_themselves(root: AdminBrowser) -> None:
    from django.contrib.auth.models import Permission

    clerk = make_user("clerk@example.com")
    clerk.is_staff = True
    clerk.save()
    clerk.user_permissions.set(Permission.objects.filter(content_type__model="user"))
    browser = AdminBrowser()
    browser.login("clerk@example.com")
    form = {"email": clerk.email, "is_active": "on", "is_staff": "on", "email_verified": "on"}
    browser.post(f"{USERS}{clerk.pk}/change/", {**form, "is_superuser": "on"})
    clerk.refresh_from_db()
    assert not clerk.is_superuser
    chief = User.objects.get(email="root@example.com")
    action(browser, "deactivate", chief)
    chief.refresh_from_db()
    assert chief.is_active


def test_signing_out_of_the_admin_is_final(root: AdminBrowser) -> None:
    token = root.client.cookies["__Host-admin-session"].value
    root.post("/admin/logout/", {}, page="/admin/")
    again = AdminBrowser()
    again.client.cookies["__Host-admin-session"] = token
    assert again.get("/admin/").status_code == 302


def test_a_post_without_the_csrf_token_is_refused(root: AdminBrowser) -> None:
    answer = root.client.post(USERS, {"action": "deactivate"}, secure=True)
    assert answer.status_code == 403


def test_staff_have_a_link_mailed_and_its_owner_chooses_the_password(root: AdminBrowser) -> None:
    ada = User.objects.create_user("ada@example.com", None, email_verified=True)
    off = User.objects.create_user("off@example.com", None, is_active=False)
    page = action(root, "send_reset_link", ada, off)
    assert page.status_code == 302
    assert [mail.to for mail in sent_mails()] == [["ada@example.com"]]
    form = {"token": mailed_token(), "password": PASSWORD}
    assert call("POST", "/v1/password/reset", form).status_code == 200
    assert call("POST", "/v1/login", {"email": ada.email, "password": PASSWORD}).status_code == 200


def test_no_link_confirms_a_registration_that_the_settings_no_longer_allow(
    root: AdminBrowser, settings: Any
) -> None:
    eve = User.objects.create_user("eve@example.com", PASSWORD)
    settings.GATEHOUSE = replace(settings.GATEHOUSE, registration="closed")
    action(root, "send_reset_link", eve)
    assert sent_mails() == []
    page = root.get(USERS).content.decode()
    assert "1 not sent: the account is unconfirmed, and registration is closed to it." in page


def test_staff_see_what_waits_to_be_mailed_and_no_link(root: AdminBrowser) -> None:
    User.objects.create_user("ada@example.com", PASSWORD, email_verified=True)
    call("POST", "/v1/password/forgot", {"email": "ada@example.com"})
    page = root.get("/admin/mail/outboxmail/").content.decode()
    assert "ada@example.com" in page
    (mail,) = OutboxMail.objects.all()
    page = root.get(f"/admin/mail/outboxmail/{mail.pk}/change/").content.decode()
    assert "password/reset" not in page
    OutboxMail.objects.update(due_at=None)
    root.post("/admin/mail/outboxmail/", {"action": "try_now", "_selected_action": [mail.pk]})
    assert [m.to for m in sent_mails()] == [["ada@example.com"]]


def test_an_address_is_found_by_any_spelling_and_makes_no_second_account(
    root: AdminBrowser,
) -> None:
    make_user("Ada@bücher.example")
    for typed in ("aDA@Bücher.example", "ADA@xn--bcher-kva.example", "Ada@"):
        assert b"Ada@xn--bcher-kva.example" in root.get(f"{USERS}?q={typed}").content
    answer = root.post(f"{USERS}add/", {"email": "aDA@Bücher.example", "is_active": "on"})
    assert b"User with this Email already exists." in answer.content
    assert User.objects.count() == 2


def test_staff_change_their_own_address_where_it_is_proved() -> None:
    root = User.objects.create_superuser("root@example.com", PASSWORD)
    browser = AdminBrowser()
    browser.login("root@example.com")
    form = {"email": "elsewhere@example.com", "name": "Root", "is_active": "on"}
    browser.post(f"/admin/users/user/{root.pk}/change/", form)
    assert User.objects.get(pk=root.pk).email == "root@example.com"

"""Invitations: a mailed link that works once, expires, can be revoked, and is recorded."""

import io
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import DatabaseError
from django.utils import timezone

from auth_api.security_log.models import SecurityEvent
from auth_api.users.flows.invitation import invite, revoke, send_again
from auth_api.users.invitations import Invitation
from auth_api.users.models import User
from tests.auth_api.argon2_runs import argon2_runs
from tests.auth_api.http import call, session_token
from tests.auth_api.mails import mailed_token, sent_mails
from tests.auth_api.sessions.conftest import PASSWORD, make_user
from tests.auth_api.users.admin_browser import AdminBrowser

pytestmark = pytest.mark.django_db(transaction=True)
EMAIL = "ada@example.com"
ADMIN = "/admin/users/invitation/"


@pytest.fixture(autouse=True)
def _by_invitation(settings: Any) -> None:
    settings.GATEHOUSE = replace(settings.GATEHOUSE, registration="invite")


def command(*arguments: str) -> str:
    out = io.StringIO()
    call_command("invite", *arguments, stdout=out)
    return out.getvalue()


def accept(token: str, **changes: str) -> Any:
    form = {"token": token, "password": PASSWORD, "name": "Ada", **changes}
    return call("POST", "/v1/invitations/accept", form)


def login(email: str = EMAIL) -> Any:
    return call("POST", "/v1/login", {"email": email, "password": PASSWORD})


def is_refused(token: str) -> bool:
    before = User.objects.count()
    answer = accept(token)
    assert answer.json()["type"] == "urn:gatehouse:problem:invalid-token"
    return User.objects.count() == before


def test_an_invitation_makes_an_account_with_its_address_and_groups() -> None:
    Group.objects.create(name="ops")
    Group.objects.create(name="dev")
    assert "Ada@example.com will get a link" in command(
        "--email", "Ada@EXAMPLE.com", "--group", "ops", "--group", "dev"
    )
    answer = accept(mailed_token("Ada@example.com"))
    assert (answer.status_code, dict(answer.cookies)) == (200, {})  # a link signs nobody in
    user = call("GET", "/v1/session", token=session_token(login())).json()["user"]
    assert (user["email"], user["email_verified"], user["name"]) == ("Ada@example.com", True, "Ada")
    assert (user["groups"], user["is_staff"]) == (["dev", "ops"], False)
    kinds = {(event.kind, event.reason) for event in SecurityEvent.objects.all()}
    assert ("account.rights_changed", "added to group ops") in kinds
    assert any(kind == "invitation.accepted" for kind, _ in kinds)


def test_its_link_works_once() -> None:
    invite(email=EMAIL)
    token = mailed_token()
    assert accept(token).status_code == 200
    assert is_refused(token)
    User.objects.all().delete()
    assert is_refused(token)


def test_it_expires() -> None:
    invite(email=EMAIL)
    token = mailed_token()
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert is_refused(token)
    call_command("prune_security_log", stdout=io.StringIO())
    assert not Invitation.objects.exists()


def test_the_links_own_time_counts_too(settings: Any) -> None:
    settings.GATEHOUSE = replace(settings.GATEHOUSE, invitation_lifetime=-1)
    invite(email=EMAIL)
    assert not sent_mails()  # a link that is over is not sent


@pytest.mark.parametrize("how", ["command", "again"])
def test_a_newer_one_replaces_it(how: str) -> None:
    invite(email=EMAIL)
    old = mailed_token()
    if how == "command":
        command("--email", "ADA@example.com")
    else:
        root = staff("root@example.com", superuser=True)
        chosen = {"action": "send_again", "_selected_action": str(Invitation.objects.get().pk)}
        root.post(ADMIN, chosen)
    new = mailed_token()
    assert old != new
    assert is_refused(old)
    assert accept(new).status_code == 200


def test_a_command_revokes_it() -> None:
    invite(email=EMAIL)
    token = mailed_token()
    assert "revoked" in command("--email", "ADA@example.com", "--revoke")
    assert is_refused(token)
    with pytest.raises(CommandError, match="has no invitation"):
        command("--email", EMAIL, "--revoke")


@pytest.mark.parametrize("token", ["", "x", "a:b:c", "\u20ac"])
def test_no_other_token_serves(token: str) -> None:
    assert is_refused(token)


def test_the_token_of_another_purpose_does_not(settings: Any) -> None:
    settings.GATEHOUSE = replace(settings.GATEHOUSE, registration="open")
    call("POST", "/v1/register", {"email": EMAIL, "password": PASSWORD})
    assert is_refused(mailed_token())
    invite(email="eve@example.com")
    token = mailed_token("eve@example.com")
    for path in ("/v1/email/verify", "/v1/password/reset"):
        assert call("POST", path, {"token": token, "password": PASSWORD}).status_code == 400


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"password": "short"}, "password"), ({"name": "a\u202eb"}, "name")],
)
def test_a_refused_form_leaves_the_link_valid(changes: dict[str, str], field: str) -> None:
    invite(email=EMAIL)
    token = mailed_token()
    assert list(accept(token, **changes).json()["errors"]) == [field]
    assert accept(token).status_code == 200


def test_the_form_cannot_choose_another_address() -> None:
    invite(email=EMAIL)
    assert accept(mailed_token(), email="eve@example.com").status_code == 400
    assert not User.objects.exists()


def test_without_a_valid_link_nothing_is_hashed() -> None:
    with argon2_runs() as runs:
        assert is_refused("x")
    assert not any(runs.values())


def test_where_registration_is_closed_none_is_sent_or_accepted(settings: Any) -> None:
    invite(email=EMAIL)
    token = mailed_token()
    settings.GATEHOUSE = replace(settings.GATEHOUSE, registration="closed")
    assert accept(token).json()["type"] == "urn:gatehouse:problem:registration-closed"
    with pytest.raises(CommandError, match="GATEHOUSE_REGISTRATION is closed"):
        command("--email", "eve@example.com")
    assert not User.objects.exists()


def test_an_address_with_an_account_is_not_invited() -> None:
    make_user(EMAIL)
    with pytest.raises(CommandError, match="already has an account"):
        command("--email", "ADA@example.com")
    assert not sent_mails()
    with pytest.raises(CommandError, match="There is no group 'ops'"):
        command("--email", "eve@example.com", "--group", "ops")


@pytest.mark.parametrize("changes", [{"is_active": False}, {"is_staff": True}])
def test_neither_is_one_whose_unconfirmed_account_staff_have_changed(changes: Any) -> None:
    """Nobody could accept it: such a row is not replaced."""
    make_user(EMAIL)
    User.objects.filter(email=EMAIL).update(email_verified=False, **changes)
    with pytest.raises(CommandError, match="already has an account"):
        command("--email", EMAIL)
    assert not sent_mails()


def test_who_got_an_account_meanwhile_keeps_it() -> None:
    invite(email=EMAIL)
    ada = make_user(EMAIL)
    before = ada.password
    assert is_refused(mailed_token())
    ada.refresh_from_db()
    assert ada.password == before


def test_a_strangers_registration_does_not_block_it(settings: Any) -> None:
    settings.GATEHOUSE = replace(settings.GATEHOUSE, registration="open")
    form = {"email": EMAIL, "password": "the password of a stranger", "name": "Eve"}
    call("POST", "/v1/register", form)
    sent_mails()
    invite(email=EMAIL)
    assert accept(mailed_token(subject="Your invitation to localhost")).status_code == 200
    assert User.objects.get().name == "Ada"
    assert login().status_code == 200


def test_the_domains_for_registration_do_not_limit_administrators(settings: Any) -> None:
    domains = frozenset({"example.org"})
    settings.GATEHOUSE = replace(settings.GATEHOUSE, mail_domains=domains)
    invite(email=EMAIL)
    assert accept(mailed_token()).status_code == 200


def test_deleting_the_account_deletes_what_is_stored_of_its_address(settings: Any) -> None:
    settings.GATEHOUSE = replace(settings.GATEHOUSE, deletion_delay=0)
    invite(email=EMAIL)
    make_user(EMAIL)
    token = session_token(login())
    assert call("DELETE", "/v1/account", {"email": EMAIL}, token=token).status_code == 204
    assert not Invitation.objects.exists()


# -- the admin ---------------------------------------------------------------------------------


def staff(email: str, *, superuser: bool = False, rights: str = "") -> AdminBrowser:
    user = make_user(email)
    user.is_staff, user.is_superuser = True, superuser
    user.save()
    user.user_permissions.set(Permission.objects.filter(codename__in=rights.split()))
    browser = AdminBrowser()
    assert browser.login(email).status_code == 302
    return browser


def test_the_admin_invites_lists_and_revokes() -> None:
    ops = Group.objects.create(name="ops")
    root = staff("root@example.com", superuser=True)
    assert (
        root.post(f"{ADMIN}add/", {"email": "Ada@EXAMPLE.com", "groups": str(ops.pk)}).status_code
        == 302
    )
    invitation = Invitation.objects.get()
    assert (invitation.email, str(invitation.invited_by)) == ("Ada@example.com", "root@example.com")
    assert "Ada@example.com" in root.get(ADMIN).content.decode()
    assert (
        "already has an invitation"
        in root.post(f"{ADMIN}add/", {"email": "ada@example.com"}).content.decode()
    )
    token = mailed_token("Ada@example.com")
    root.post(f"{ADMIN}{invitation.pk}/delete/", {"post": "yes"}, page=ADMIN)
    assert is_refused(token)
    events = SecurityEvent.objects.filter(user__email="root@example.com")
    kinds = [event.kind for event in events if event.kind.startswith("invitation")]
    assert sorted(kinds) == ["invitation.revoked", "invitation.sent"]
    assert not [event for event in events if "ada" in event.reason]


@pytest.mark.parametrize("how", ["revoked", "used"])
def test_one_that_is_gone_is_not_sent_again(how: str) -> None:
    """Else the row comes back, and with it a link."""
    invite(email=EMAIL)
    invitation, token = Invitation.objects.get(), mailed_token()
    if how == "revoked":
        command("--email", EMAIL, "--revoke")
    else:
        assert accept(token).status_code == 200
    before = len(sent_mails())
    assert not send_again(invitation.pk, None)
    with pytest.raises(DatabaseError):
        invitation.renew()
    assert not Invitation.objects.exists()
    assert len(sent_mails()) == before


@pytest.mark.parametrize(
    "why", ["GATEHOUSE_REGISTRATION is closed", "This address already has an account"]
)
def test_one_that_could_not_be_sent_today_is_not_sent_again(settings: Any, why: str) -> None:
    root = staff("root@example.com", superuser=True)
    for email in (EMAIL, "eve@example.com"):
        invite(email=email)
    if "closed" in why:
        settings.GATEHOUSE = replace(settings.GATEHOUSE, registration="closed")
    else:
        make_user(EMAIL)
    before, nonce = len(sent_mails()), Invitation.objects.get(email=EMAIL).nonce
    chosen = [str(pk) for pk in Invitation.objects.values_list("pk", flat=True)]
    root.post(ADMIN, {"action": "send_again", "_selected_action": chosen})
    page = root.get(ADMIN).content.decode()
    assert f"Not sent to {EMAIL}: {why}" in page
    sent = 0 if "closed" in why else 1
    assert f"Links that will be sent: {sent}." in page
    assert len(sent_mails()) == before + sent
    assert Invitation.objects.get(email=EMAIL).nonce == nonce


def test_one_that_was_accepted_meanwhile_is_not_revoked() -> None:
    invite(email=EMAIL)
    seen = Invitation.objects.get()
    assert accept(mailed_token()).status_code == 200
    revoke(seen, User.objects.create_user("root@example.com", None, is_staff=True))
    assert not SecurityEvent.objects.filter(kind="invitation.revoked").exists()


def test_many_are_revoked_at_once() -> None:
    root = staff("root@example.com", superuser=True)
    for name in ("ada", "eve"):
        invite(email=f"{name}@example.com")
    chosen = [str(pk) for pk in Invitation.objects.values_list("pk", flat=True)]
    root.post(ADMIN, {"action": "delete_selected", "_selected_action": chosen, "post": "yes"})
    assert not Invitation.objects.exists()
    assert SecurityEvent.objects.filter(kind="invitation.revoked").count() == 2


def test_staff_who_may_invite_give_no_groups() -> None:
    ops = Group.objects.create(name="ops")
    clerk = staff("clerk@example.com", rights="add_invitation view_invitation")
    form = {"email": EMAIL, "groups": str(ops.pk)}
    assert clerk.post(f"{ADMIN}add/", form).status_code == 302
    assert accept(mailed_token()).status_code == 200
    assert User.objects.get(email=EMAIL).group_names() == []


def test_other_staff_neither_invite_nor_see_who_is_invited() -> None:
    invite(email=EMAIL)
    clerk = staff("clerk@example.com", rights="add_user view_user change_user")
    for path in (ADMIN, f"{ADMIN}add/"):
        assert clerk.get(path).status_code == 403
    assert (
        clerk.post(f"{ADMIN}add/", {"email": "eve@example.com"}, page="/admin/").status_code == 403
    )
    assert Invitation.objects.count() == 1


@pytest.mark.parametrize("email", ["x", "a@b", '"a"@example.com', "a@[192.0.2.1]"])
def test_what_is_no_address_is_not_invited(email: str) -> None:
    with pytest.raises(ValidationError):
        invite(email=email)
    assert not Invitation.objects.exists()

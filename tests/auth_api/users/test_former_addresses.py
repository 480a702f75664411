"""A former address: the link that restores it, and its reservation."""

import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from auth_api.security_log.models import SecurityEvent
from auth_api.users.acts import Act
from auth_api.users.models import User
from tests.auth_api.http import call
from tests.auth_api.mails import mailed_token, sent_mails
from tests.auth_api.sessions.conftest import PASSWORD, make_user
from tests.auth_api.users.admin_browser import AdminBrowser
from tests.auth_api.users.flows.test_devices import HOME, LINUX
from tests.auth_api.users.stranger import (
    LAPTOP,
    NEW,
    OWN,
    STRANGE,
    STRANGER,
    Stranger,
    assert_owner_has_it_back,
    can_sign_in,
    disown,
    mails_to,
    reset_by_mail,
    restore,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_notice_of_a_change_puts_the_address_back(owner: User, stranger: Stranger) -> None:
    stranger.move_to(STRANGE)
    inside = Stranger().sign_in(STRANGE)
    link = mailed_token(OWN, "Your e-mail address was changed")
    assert restore(link) == 200
    assert not inside.is_in
    assert not can_sign_in(OWN, PASSWORD)
    assert_owner_has_it_back(owner)
    assert restore(link) == 400
    assert mails_to(STRANGE)[-1] == "Your e-mail address was changed back"
    kinds = SecurityEvent.objects.filter(user=owner).values_list("kind", flat=True)
    assert "address.restored" in kinds


def test_a_restored_address_settles_this_was_not_me(owner: User, stranger: Stranger) -> None:
    warned = mailed_token(OWN)
    stranger.move_to(STRANGE)
    assert restore(mailed_token(OWN, "Your e-mail address was changed")) == 200
    assert disown(warned) == 400
    assert_owner_has_it_back(owner)


def test_an_address_that_another_account_has_by_now_is_not_restored(
    owner: User, stranger: Stranger
) -> None:
    """As by a row that somebody wrote past the checks. Nothing is done, so staff find it as it was."""
    stranger.move_to(STRANGE)
    link = mailed_token(OWN, "Your e-mail address was changed")
    User.objects.create_user(OWN, PASSWORD, email_verified=True)
    assert restore(link) == 400
    owner.refresh_from_db()
    assert (owner.email, owner.has_usable_password()) == (STRANGE, True)


def test_a_registration_that_nobody_confirmed_gives_way_to_the_owner(
    owner: User, stranger: Stranger
) -> None:
    """As one that was written in the moment in which the address was left."""
    stranger.move_to(STRANGE)
    User.objects.create_user(OWN, PASSWORD)
    assert restore(mailed_token(OWN, "Your e-mail address was changed")) == 200
    assert_owner_has_it_back(owner)


def test_the_oldest_mailbox_wins(owner: User, stranger: Stranger) -> None:
    stranger.move_to(STRANGE)
    first = mailed_token(OWN, "Your e-mail address was changed")
    Stranger().sign_in(STRANGE).move_to(STRANGER)
    second = mailed_token(STRANGE, "Your e-mail address was changed")
    assert restore(second) == 200
    assert restore(first) == 200
    assert restore(second) == 400
    assert_owner_has_it_back(owner)


def test_the_link_is_good_for_a_week(owner: User, stranger: Stranger) -> None:
    stranger.move_to(STRANGE)
    link = mailed_token(OWN, "Your e-mail address was changed")
    Act.objects.update(at=timezone.now() - timedelta(days=7, seconds=1))
    assert restore(link) == 400
    assert User.objects.get(pk=owner.pk).email == STRANGE


@pytest.mark.parametrize("purpose", ["reset", "disown", "nothing"])
def test_a_link_of_another_purpose_restores_nothing(
    owner: User, stranger: Stranger, purpose: str
) -> None:
    warned = mailed_token(OWN)
    stranger.move_to(STRANGE)
    call("POST", "/v1/password/forgot", {"email": STRANGE})
    other = {"reset": mailed_token(STRANGE), "disown": warned, "nothing": "x"}[purpose]
    assert restore(other) == 400
    assert User.objects.get(pk=owner.pk).email == STRANGE


def test_an_address_that_was_left_is_reserved_for_a_week(
    owner: User, stranger: Stranger, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger.move_to(STRANGE)
    seen = len(sent_mails())
    form = {"email": OWN, "password": NEW}
    answer = call("POST", "/v1/register", form)
    known = call("POST", "/v1/register", {**form, "email": STRANGE})
    assert (answer.status_code, answer.content) == (known.status_code, known.content)
    assert mails_to(OWN, seen) == ["This address cannot be used yet"]
    make_user("bob@example.com")
    at_bobs = Stranger().sign_in("bob@example.com")
    at_bobs.post("/v1/email/change", {"email": OWN})
    assert mails_to(OWN, seen) == ["This address cannot be used yet"] * 2
    monkeypatch.setattr("sys.stdin", io.StringIO(NEW))
    with pytest.raises(CommandError, match="reserved until"):
        call_command("createuser", "--email", OWN, "--password-stdin")
    assert not User.objects.filter(email=OWN).exists()
    Act.objects.update(at=timezone.now() - timedelta(days=7, seconds=1))
    call("POST", "/v1/register", form)
    assert mails_to(OWN, seen)[2:] == ["Confirm your address for localhost"]
    assert User.objects.filter(email=OWN).exists()


def test_a_change_that_was_asked_for_before_the_reservation_waits_too(
    owner: User, stranger: Stranger
) -> None:
    """Bob asks for an address; before he confirms, another account takes it and gives it up again."""
    make_user("bob@example.com")
    bob = Stranger(LINUX.format(156), HOME).sign_in("bob@example.com")
    bob.post("/v1/email/change", {"email": STRANGE})
    link = mailed_token(STRANGE)
    stranger.move_to(STRANGE)
    Stranger().sign_in(STRANGE).move_to(STRANGER)
    assert bob.post("/v1/email/confirm", {"token": link}).status_code == 400
    assert User.objects.get(name="Ada", email="bob@example.com")


def test_its_own_account_may_go_back_to_an_address_that_it_left(
    owner: User, stranger: Stranger
) -> None:
    stranger.move_to(STRANGE)
    Stranger().sign_in(STRANGE).move_to(OWN)
    owner.refresh_from_db()
    assert owner.email == OWN
    seen = len(sent_mails())
    call("POST", "/v1/register", {"email": OWN, "password": NEW})
    assert mails_to(OWN, seen) == ["You already have an account at localhost"]


def test_staff_cannot_give_a_reserved_address_to_another_account(
    owner: User, stranger: Stranger
) -> None:
    stranger.move_to(STRANGE)
    User.objects.create_superuser("root@example.com", PASSWORD)
    browser = AdminBrowser()
    browser.login("root@example.com")
    answer = browser.post("/admin/users/user/add/", {"email": OWN, "name": "", "is_active": "on"})
    assert answer.status_code == 200
    assert "reserved until" in answer.content.decode()
    assert not User.objects.filter(email=OWN).exists()


def test_an_owner_who_went_back_leaves_the_stranger_no_link(
    owner: User, stranger: Stranger
) -> None:
    """When the owner leaves the stranger's address, its mailbox gets no link to undo that."""
    stranger.move_to(STRANGE)
    Stranger(LINUX.format(156), HOME).sign_in(STRANGE).move_to(OWN)
    told = sent_mails()[-1]
    assert (told.to, told.subject) == ([STRANGE], "Your e-mail address was changed")
    assert "token=" not in told.body
    assert not [act for act in owner.acts.all() if not act.undone]


def test_an_address_set_by_staff_makes_earlier_changes_final(
    owner: User, stranger: Stranger
) -> None:
    stranger.move_to(STRANGE)
    Stranger(*LAPTOP).sign_in(STRANGE).move_to(STRANGER)
    warned = mailed_token(STRANGE, "New sign-in to your account at localhost")
    moved = mailed_token(STRANGE, "Your e-mail address was changed")
    User.objects.filter(pk=owner.pk).update(email=OWN)  # as a command does
    assert reset_by_mail(OWN, NEW) == 200
    assert restore(moved) == 400
    assert disown(warned) == 400
    assert can_sign_in(OWN, NEW)


def test_the_former_address_is_notified_of_a_deletion(owner: User, stranger: Stranger) -> None:
    stranger.move_to(STRANGE)
    stranger.sign_in(STRANGE)
    assert (
        call("DELETE", "/v1/account", {"email": STRANGE}, token=stranger.token).status_code == 202
    )
    assert {message.to[0] for message in sent_mails()[-2:]} == {OWN, STRANGE}

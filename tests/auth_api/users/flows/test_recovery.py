"""An owner recovers the account from an intruder: the mailbox outranks the password."""

import pytest

from auth_api.users.models import User
from tests.auth_api.http import call, session_token
from tests.auth_api.mails import mailed_token, sent_mails
from tests.auth_api.sessions.conftest import PASSWORD
from tests.auth_api.users.admin_browser import AdminBrowser
from tests.auth_api.users.flows.test_devices import HOME
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


def test_a_changed_address_and_a_reset_there_do_not_kill_this_was_not_me(
    owner: User, stranger: Stranger
) -> None:
    link = mailed_token(OWN)
    stranger.move_to(STRANGE)
    assert reset_by_mail(STRANGE, NEW) == 200
    assert can_sign_in(STRANGE, NEW)
    assert disown(link) == 200
    assert not can_sign_in(STRANGE, NEW)
    assert_owner_has_it_back(owner)


def test_after_this_was_not_me_the_changed_address_resets_nothing(
    owner: User, stranger: Stranger
) -> None:
    link = mailed_token(OWN)
    stranger.move_to(STRANGE)
    call("POST", "/v1/password/forgot", {"email": STRANGE})
    earlier = mailed_token(STRANGE)
    assert disown(link) == 200
    form = {"token": earlier, "password": NEW}
    assert call("POST", "/v1/password/reset", form).status_code == 400
    seen = len(sent_mails())
    call("POST", "/v1/password/forgot", {"email": STRANGE})
    assert mails_to(STRANGE, seen) == []
    assert_owner_has_it_back(owner)


def test_a_change_that_was_asked_for_is_dead_after_this_was_not_me(
    owner: User, stranger: Stranger
) -> None:
    link = mailed_token(OWN)
    stranger.post("/v1/email/change", {"email": STRANGE})
    asked = mailed_token(STRANGE)
    assert disown(link) == 200
    form = {"token": asked, "password": PASSWORD}
    assert call("POST", "/v1/email/confirm", form).status_code == 400
    assert_owner_has_it_back(owner)


def test_what_a_later_sign_in_from_the_same_place_did_is_taken_back_too(
    owner: User, stranger: Stranger
) -> None:
    link = mailed_token(OWN)
    stranger.move_to(STRANGE)
    again = Stranger().sign_in(STRANGE)
    again.move_to(STRANGER)
    assert disown(link) == 200
    assert_owner_has_it_back(owner)


def test_a_second_move_from_another_place_does_not_hide_the_first(
    owner: User, stranger: Stranger
) -> None:
    link = mailed_token(OWN)
    stranger.move_to(STRANGE)
    elsewhere = Stranger(*LAPTOP).sign_in(STRANGE)
    elsewhere.move_to(STRANGER)
    assert disown(link) == 200
    assert not elsewhere.is_in
    assert_owner_has_it_back(owner)


def test_a_renewed_session_is_still_the_disowned_sign_in(owner: User, stranger: Stranger) -> None:
    """The handle changes with every new token; the id of the sign-in does not."""
    link = mailed_token(OWN)
    stranger.change_password()
    stranger.token = session_token(stranger.post("/v1/reauthenticate", {"password": NEW}))
    stranger.move_to(STRANGE)
    assert disown(link) == 200
    assert_owner_has_it_back(owner)


def test_links_to_the_changed_address_are_dead_once_the_owner_is_back(
    owner: User, stranger: Stranger
) -> None:
    link = mailed_token(OWN)
    stranger.move_to(STRANGE)
    Stranger(*LAPTOP).sign_in(STRANGE).move_to(STRANGER)
    warned_about_laptop = mailed_token(STRANGE, "New sign-in to your account at localhost")
    moved_away = mailed_token(STRANGE, "Your e-mail address was changed")
    assert disown(link) == 200
    assert_owner_has_it_back(owner)
    assert disown(warned_about_laptop) == 400
    assert restore(moved_away) == 400
    assert can_sign_in(OWN, "the owner's own new password")


def test_a_disowning_at_the_changed_address_does_not_kill_the_owners_link(
    owner: User, stranger: Stranger
) -> None:
    link = mailed_token(OWN)
    stranger.move_to(STRANGE)
    Stranger(*LAPTOP).sign_in(STRANGE)
    assert disown(mailed_token(STRANGE, "New sign-in to your account at localhost")) == 200
    assert disown(link) == 200
    assert_owner_has_it_back(owner)


def test_a_reset_at_the_owners_address_invalidates_the_link(
    owner: User, stranger: Stranger
) -> None:
    link = mailed_token(OWN)
    assert reset_by_mail(OWN, NEW) == 200
    assert disown(link) == 400
    assert can_sign_in(OWN, NEW)


def test_an_address_that_the_owner_changed_stays(owner: User, stranger: Stranger) -> None:
    """Only changes by the disowned sign-in are undone; the reset goes to the owner's present address."""
    link = mailed_token(OWN)
    at_home = Stranger("", HOME).sign_in()  # a known place
    at_home.move_to("ada@example.net")
    seen = len(sent_mails())
    assert disown(link) == 200
    owner.refresh_from_db()
    assert (owner.email, owner.has_usable_password()) == ("ada@example.net", False)
    assert mails_to("ada@example.net", seen) == ["Set a new password for localhost"]


def test_an_address_that_staff_changed_stays(owner: User, stranger: Stranger) -> None:
    link = mailed_token(OWN)
    User.objects.create_superuser("root@example.com", PASSWORD)
    browser = AdminBrowser()
    browser.login("root@example.com")
    form = {
        "email": "support@example.net",
        "name": "Ada",
        "email_verified": "on",
        "is_active": "on",
        "reason": "asked by phone",
    }
    assert browser.post(f"/admin/users/user/{owner.pk}/change/", form).status_code == 302
    assert not stranger.is_in
    assert disown(link) == 200
    owner.refresh_from_db()
    assert (owner.email, owner.has_usable_password()) == ("support@example.net", False)


def test_if_the_address_is_taken_nevertheless_nobody_can_sign_in(
    owner: User, stranger: Stranger
) -> None:
    """For example, through a row written without the checks: only staff can tell who owns the account."""
    link = mailed_token(OWN)
    stranger.move_to(STRANGE)
    User.objects.create_user(OWN, PASSWORD, email_verified=True)
    seen = len(sent_mails())
    assert disown(link) == 200
    call("POST", "/v1/password/forgot", {"email": STRANGE})
    owner.refresh_from_db()
    assert (owner.email, owner.has_usable_password(), owner.is_active) == (STRANGE, False, False)
    assert mails_to(STRANGE, seen) == []


def test_a_move_from_a_second_place_is_taken_back_by_the_link_of_the_first(
    owner: User, stranger: Stranger
) -> None:
    """Both places are the stranger's; the owner uses the first of the two links."""
    link = mailed_token(OWN)
    elsewhere = Stranger(*LAPTOP).sign_in()
    elsewhere.move_to(STRANGE)
    assert disown(link) == 200
    assert not can_sign_in(STRANGE, PASSWORD)
    assert_owner_has_it_back(owner)


def test_a_move_from_the_first_place_is_taken_back_by_the_link_of_the_second(
    owner: User, stranger: Stranger
) -> None:
    elsewhere = Stranger(*LAPTOP).sign_in()
    link = mailed_token(OWN)
    stranger.move_to(STRANGE)
    elsewhere.sign_in(STRANGE).move_to(STRANGER)
    assert disown(link) == 200
    assert_owner_has_it_back(owner)


def test_a_sign_in_that_is_not_in_the_log_does_not_count_as_the_owners(
    owner: User, stranger: Stranger
) -> None:
    """For example, a session of record format 1, whose id is its present handle."""
    link = mailed_token(OWN)
    stranger.move_to(STRANGE)
    owner.acts.update(sign_in="UnknownHandle--1")
    assert disown(link) == 200
    assert_owner_has_it_back(owner)


def test_new_passwords_that_a_stranger_proposes_do_not_block_a_reset(
    owner: User, stranger: Stranger
) -> None:
    form = {"current_password": "a wrong guess of fifteen", "new_password": NEW}
    statuses = {stranger.post("/v1/password/change", form).status_code for _ in range(35)}
    assert 429 in statuses
    assert reset_by_mail(OWN, NEW) == 200


def test_the_end_of_all_sessions_kills_no_mailed_reset(owner: User, stranger: Stranger) -> None:
    call("POST", "/v1/password/forgot", {"email": OWN})
    token = mailed_token(OWN, "Set a new password for localhost")
    stranger.post("/v1/sessions/revoke-all", {})
    stranger.sign_in().change_password("another password of the stranger")
    form = {"token": token, "password": NEW}
    assert call("POST", "/v1/password/reset", form).status_code == 200
    assert can_sign_in(OWN, NEW)
    assert call("POST", "/v1/password/reset", form).status_code == 400

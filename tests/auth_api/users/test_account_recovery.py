"""An owner recovers the account from an intruder: the mailbox outranks the password."""

import io
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from auth_api.security_log.models import SecurityEvent
from auth_api.users.acts import Act, prune_acts
from auth_api.users.models import User
from tests.auth_api.http import call, session_token
from tests.auth_api.mails import mailed_token, sent_mails
from tests.auth_api.sessions.conftest import PASSWORD, make_user
from tests.auth_api.users.test_admin import AdminBrowser
from tests.auth_api.users.test_new_devices import ELSEWHERE, HOME, IPHONE, LINUX

pytestmark = pytest.mark.django_db(transaction=True)

OWN, STRANGE, STRANGER = "ada@example.com", "mallory@example.org", "second@example.org"
NEW = "nine green bottles on a wall"
LAPTOP = (LINUX.format(156), "192.0.2.1")  # another device and network of the stranger


class Stranger:
    """Someone who knows the password, with their own device and network."""

    def __init__(self, agent: str = IPHONE, address: str = ELSEWHERE) -> None:
        self.headers = {
            "HTTP_GATEHOUSE_CLIENT_USER_AGENT": agent,
            "HTTP_GATEHOUSE_CLIENT_ADDRESS": address,
        }
        self.token = ""

    def post(self, path: str, form: dict[str, Any]) -> Any:
        return call("POST", path, form, token=self.token, **self.headers)

    def sign_in(self, email: str = OWN, password: str = PASSWORD) -> "Stranger":
        answer = self.post("/v1/login", {"email": email, "password": password})
        assert answer.status_code == 200, answer.content
        self.token = session_token(answer)
        return self

    def move_to(self, email: str) -> None:
        assert self.post("/v1/email/change", {"email": email}).status_code == 202
        answer = self.post("/v1/email/confirm", {"token": mailed_token(email)})
        assert answer.status_code == 200, answer.content

    def change_password(self, password: str = NEW) -> None:
        form = {"current_password": PASSWORD, "new_password": password}
        answer = self.post("/v1/password/change", form)
        assert answer.status_code == 200, answer.content
        self.token = session_token(answer)

    @property
    def is_in(self) -> bool:
        return bool(call("GET", "/v1/session", token=self.token).status_code == 200)


@pytest.fixture
def owner() -> User:
    user: User = make_user(OWN)
    call("POST", "/v1/login", {"email": OWN, "password": PASSWORD})
    return user


@pytest.fixture
def stranger(owner: User) -> Stranger:
    """A stranger who has signed in; the owner was notified."""
    return Stranger().sign_in()


def disown(token: str) -> int:
    return int(call("POST", "/v1/sessions/disown", {"token": token}).status_code)


def restore(token: str) -> int:
    return int(call("POST", "/v1/email/restore", {"token": token}).status_code)


def reset_by_mail(email: str, password: str) -> int:
    call("POST", "/v1/password/forgot", {"email": email})
    form = {"token": mailed_token(email), "password": password}
    return int(call("POST", "/v1/password/reset", form).status_code)


def can_sign_in(email: str, password: str) -> bool:
    form = {"email": email, "password": password}
    return bool(call("POST", "/v1/login", form).status_code == 200)


def assert_owner_has_it_back(user: User) -> None:
    """The account has its own address, nobody is signed in, and the owner can reset the password."""
    user.refresh_from_db()
    assert user.email == OWN
    assert not user.has_usable_password()
    form = {"token": mailed_token(OWN), "password": "the owner's own new password"}
    assert call("POST", "/v1/password/reset", form).status_code == 200
    assert can_sign_in(OWN, "the owner's own new password")


def mails_to(email: str, since: int = 0) -> list[str]:
    return [message.subject for message in sent_mails()[since:] if message.to == [email]]


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
    warned_about_laptop = mailed_token(STRANGE, "New sign-in to your account")
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
    assert disown(mailed_token(STRANGE, "New sign-in to your account")) == 200
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
    assert mails_to("ada@example.net", seen) == ["Set a new password"]


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
    }
    assert browser.post(f"/admin/users/user/{owner.pk}/change/", form).status_code == 302
    assert not stranger.is_in
    assert disown(link) == 200
    owner.refresh_from_db()
    assert (owner.email, owner.has_usable_password()) == ("support@example.net", False)


def test_the_notice_of_a_change_puts_the_address_back(owner: User, stranger: Stranger) -> None:
    stranger.move_to(STRANGE)
    inside = Stranger().sign_in(STRANGE)
    link = mailed_token(OWN, "Your e-mail address was changed")
    assert restore(link) == 200
    assert not inside.is_in
    assert not can_sign_in(OWN, PASSWORD)
    assert_owner_has_it_back(owner)
    assert restore(link) == 400
    assert mails_to(STRANGE)[-1] == "The e-mail address of your account was changed back"
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
    assert mails_to(OWN, seen)[2:] == ["Confirm your address"]
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
    assert mails_to(OWN, seen) == ["You already have an account"]


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


def test_a_name_is_put_back(owner: User, stranger: Stranger) -> None:
    link = mailed_token(OWN)
    owner.refresh_from_db()
    handle = SecurityEvent.objects.filter(user=owner, kind="session.started").first().handle  # type: ignore[union-attr]
    owner.name = "Mallory"
    owner.save(sign_in=handle)
    assert disown(link) == 200
    owner.refresh_from_db()
    assert owner.name == "Ada"


def test_a_name_that_the_owner_gave_since_stays(owner: User, stranger: Stranger) -> None:
    link = mailed_token(OWN)
    first, last = SecurityEvent.objects.filter(user=owner, kind="session.started").order_by("pk")
    owner.refresh_from_db()
    for name, handle in (("Mallory", last.handle), ("Countess", first.handle)):
        owner.name = name
        owner.save(sign_in=handle)
    assert disown(link) == 200
    owner.refresh_from_db()
    assert owner.name == "Countess"


def test_every_act_is_stored_with_the_sign_in_that_did_it(owner: User, stranger: Stranger) -> None:
    handle = SecurityEvent.objects.filter(user=owner, kind="session.started").first().handle  # type: ignore[union-attr]
    stranger.change_password()
    stranger.token = session_token(stranger.post("/v1/reauthenticate", {"password": NEW}))
    stranger.move_to(STRANGE)
    stored = list(owner.acts.values_list("kind", "sign_in", "old_address", "new_address"))
    assert stored == [("password", handle, "", ""), ("address", handle, OWN, STRANGE)]


def test_acts_go_when_they_can_no_longer_be_taken_back(owner: User, stranger: Stranger) -> None:
    stranger.move_to(STRANGE)
    assert prune_acts() == 0
    Act.objects.update(at=timezone.now() - timedelta(days=15))
    assert prune_acts() == 1
    stranger.sign_in(STRANGE).change_password()
    Act.objects.update(at=timezone.now() - timedelta(days=15))
    assert reset_by_mail(STRANGE, "another password of the stranger") == 200
    assert [act.kind for act in owner.acts.all()] == ["reset"]


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
    warned = mailed_token(STRANGE, "New sign-in to your account")
    moved = mailed_token(STRANGE, "Your e-mail address was changed")
    User.objects.filter(pk=owner.pk).update(email=OWN)  # as a command does
    assert reset_by_mail(OWN, NEW) == 200
    assert restore(moved) == 400
    assert disown(warned) == 400
    assert can_sign_in(OWN, NEW)


def test_a_link_that_was_taken_back_stays_dead_when_its_acts_have_expired(
    owner: User, stranger: Stranger
) -> None:
    link = mailed_token(OWN)
    stranger.move_to(STRANGE)
    Stranger(*LAPTOP).sign_in(STRANGE)
    warned = mailed_token(STRANGE, "New sign-in to your account")
    assert disown(link) == 200
    assert_owner_has_it_back(owner)
    Act.objects.update(at=timezone.now() - timedelta(days=8))
    prune_acts()
    assert disown(warned) == 400


def test_new_passwords_that_a_stranger_proposes_do_not_block_a_reset(
    owner: User, stranger: Stranger
) -> None:
    form = {"current_password": "a wrong guess of fifteen", "new_password": NEW}
    statuses = {stranger.post("/v1/password/change", form).status_code for _ in range(35)}
    assert 429 in statuses
    assert reset_by_mail(OWN, NEW) == 200


def test_the_end_of_all_sessions_kills_no_mailed_reset(owner: User, stranger: Stranger) -> None:
    call("POST", "/v1/password/forgot", {"email": OWN})
    token = mailed_token(OWN, "Set a new password")
    stranger.post("/v1/sessions/revoke-all", {})
    stranger.sign_in().change_password("another password of the stranger")
    form = {"token": token, "password": NEW}
    assert call("POST", "/v1/password/reset", form).status_code == 200
    assert can_sign_in(OWN, NEW)
    assert call("POST", "/v1/password/reset", form).status_code == 400


def test_the_former_address_is_notified_of_a_deletion(owner: User, stranger: Stranger) -> None:
    stranger.move_to(STRANGE)
    stranger.sign_in(STRANGE)
    assert call("DELETE", "/v1/account", token=stranger.token).status_code == 204
    assert {message.to[0] for message in sent_mails()[-2:]} == {OWN, STRANGE}


def test_staff_change_their_own_address_where_it_is_proved() -> None:
    root = User.objects.create_superuser("root@example.com", PASSWORD)
    browser = AdminBrowser()
    browser.login("root@example.com")
    form = {"email": "elsewhere@example.com", "name": "Root", "is_active": "on"}
    browser.post(f"/admin/users/user/{root.pk}/change/", form)
    assert User.objects.get(pk=root.pk).email == "root@example.com"

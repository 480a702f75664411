"""The changes that a sign-in made are stored with it, undone, and deleted in time."""

from datetime import timedelta

import pytest
from django.utils import timezone

from auth_api.security_log.models import SecurityEvent
from auth_api.users.acts import Act, prune_acts
from auth_api.users.models import User
from tests.auth_api.http import session_token
from tests.auth_api.mails import mailed_token
from tests.auth_api.users.stranger import (
    LAPTOP,
    NEW,
    OWN,
    STRANGE,
    Stranger,
    assert_owner_has_it_back,
    disown,
    reset_by_mail,
)

pytestmark = pytest.mark.django_db(transaction=True)


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


def test_a_link_that_was_taken_back_stays_dead_when_its_acts_have_expired(
    owner: User, stranger: Stranger
) -> None:
    link = mailed_token(OWN)
    stranger.move_to(STRANGE)
    Stranger(*LAPTOP).sign_in(STRANGE)
    warned = mailed_token(STRANGE, "New sign-in to your account at localhost")
    assert disown(link) == 200
    assert_owner_has_it_back(owner)
    Act.objects.update(at=timezone.now() - timedelta(days=8))
    prune_acts()
    assert disown(warned) == 400

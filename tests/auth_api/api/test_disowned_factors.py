"""What the link "this was not me" does to second factors, over HTTP as the BFF calls."""

from datetime import timedelta

import pytest
from django.utils import timezone

from auth_api.security_log.models import SecurityEvent
from auth_api.users.factors.removal import prune_removed
from auth_api.users.models import RecoveryCode, TotpDevice, User
from tests.auth_api.factors import (
    NEW_PASSWORD,
    App,
    enrol,
    finish,
    login,
    recovery_codes,
    signin_token,
)
from tests.auth_api.http import call, session_token
from tests.auth_api.mails import mailed_token, sent_mails
from tests.auth_api.sessions.conftest import PASSWORD
from tests.auth_api.users.stranger import Stranger

NEW_SIGN_IN = "New sign-in to your account at localhost"
pytestmark = pytest.mark.django_db(transaction=True)

# Another network and browser than the owner's.
FAR = {"HTTP_GATEHOUSE_CLIENT_ADDRESS": "198.51.100.9", "HTTP_GATEHOUSE_CLIENT_BROWSER": "c" * 64}


def test_this_was_not_me_removes_what_the_intruder_enrolled(user: User) -> None:
    login()  # the owner's place
    intruder = Stranger().sign_in()
    enrol(intruder.token)
    user.refresh_from_db()
    assert user.has_second_factor
    token = mailed_token(subject=NEW_SIGN_IN)
    assert call("POST", "/v1/sessions/disown", {"token": token}).status_code == 200
    user.refresh_from_db()
    assert not user.has_second_factor
    assert not TotpDevice.objects.exists()


def test_this_was_not_me_removes_it_also_after_a_reset(user: User) -> None:
    """Otherwise the intruder's app would keep out the owner who has just set a new password."""
    login()
    intruder = Stranger().sign_in()
    enrol(intruder.token)
    disown = mailed_token(subject=NEW_SIGN_IN)
    call("POST", "/v1/password/forgot", {"email": "ada@example.com"})
    form = {
        "token": mailed_token(subject="Set a new password for localhost"),
        "password": NEW_PASSWORD,
    }
    assert call("POST", "/v1/password/reset", form).status_code == 200
    assert call("POST", "/v1/sessions/disown", {"token": disown}).status_code == 200
    assert not TotpDevice.objects.exists()
    assert call("POST", "/v1/sessions/disown", {"token": disown}).status_code == 400


def test_this_was_not_me_keeps_the_owners_factors(enrolled: tuple[App, str], user: User) -> None:
    """The intruder has the password and a recovery code, and adds an app."""
    code = recovery_codes(enrolled[1])[0]
    form = {"email": "ada@example.com", "password": PASSWORD}
    pending = signin_token(call("POST", "/v1/login", form, **FAR))
    second = {"method": "recovery", "code": code}
    answer = call("POST", "/v1/login/factor", second, HTTP_COOKIE=f"__Host-signin={pending}", **FAR)
    enrol(session_token(answer))
    assert TotpDevice.objects.count() == 2
    token = mailed_token(subject=NEW_SIGN_IN)
    call("POST", "/v1/sessions/disown", {"token": token})
    assert TotpDevice.objects.count() == 1
    user.refresh_from_db()
    assert user.has_second_factor
    assert RecoveryCode.objects.filter(confirmed=True).count() == 9


@pytest.fixture
def removed_by_a_stranger(enrolled: tuple[App, str], user: User) -> App:
    """The owner's app, and recovery codes, after a stranger with the password and a code has removed it."""
    app, token = enrolled
    recovery_codes(token)
    form = {"email": user.email, "password": PASSWORD}
    pending = {
        "HTTP_COOKIE": f"__Host-signin={signin_token(call('POST', '/v1/login', form, **FAR))}"
    }
    second = {"method": "totp", "code": app.code()}
    done = call("POST", "/v1/login/factor", second, **pending, **FAR)
    device = TotpDevice.objects.get()
    assert call("DELETE", f"/v1/factors/{device.pk}", token=session_token(done)).status_code == 204
    assert not RecoveryCode.objects.exists()
    user.refresh_from_db()
    assert not user.has_second_factor
    TotpDevice.objects.update(last_step=0)
    return app


def test_this_was_not_me_restores_an_app_that_the_intruder_removed(
    removed_by_a_stranger: App, user: User
) -> None:
    link = {"token": mailed_token(subject=NEW_SIGN_IN)}
    assert call("POST", "/v1/sessions/disown", link).status_code == 200
    user.refresh_from_db()
    assert user.has_second_factor
    form = {
        "token": mailed_token(subject="Set a new password for localhost"),
        "password": NEW_PASSWORD,
    }
    assert call("POST", "/v1/password/reset", form).status_code == 200
    pending = signin_token(login(password=NEW_PASSWORD))
    assert finish(pending, removed_by_a_stranger.code()).status_code == 200
    assert SecurityEvent.objects.filter(kind="factor.restored", reason="Telephone").exists()
    assert "An authenticator app was restored" in [mail.subject for mail in sent_mails()]


def test_it_restores_the_app_also_after_a_reset(removed_by_a_stranger: App, user: User) -> None:
    disown = {"token": mailed_token(subject=NEW_SIGN_IN)}
    call("POST", "/v1/password/forgot", {"email": user.email})
    form = {
        "token": mailed_token(subject="Set a new password for localhost"),
        "password": NEW_PASSWORD,
    }
    assert call("POST", "/v1/password/reset", form).status_code == 200
    assert call("POST", "/v1/sessions/disown", disown).status_code == 200
    user.refresh_from_db()
    assert user.has_second_factor


def test_what_was_removed_from_a_new_place_before_the_reported_sign_in_stays_removed(
    removed_by_a_stranger: App, user: User
) -> None:
    """It may have been the owner, without the lost device. If not, that sign-in's own mail restores the app."""
    first = {"token": mailed_token(subject=NEW_SIGN_IN)}
    Stranger().sign_in()
    second = {"token": mailed_token(subject=NEW_SIGN_IN)}
    assert call("POST", "/v1/sessions/disown", second).status_code == 200
    user.refresh_from_db()
    assert not user.has_second_factor
    assert call("POST", "/v1/sessions/disown", second).status_code == 400
    assert call("POST", "/v1/sessions/disown", first).status_code == 200
    user.refresh_from_db()
    assert user.has_second_factor


def test_an_app_that_the_owner_removed_stays_removed(enrolled: tuple[App, str], user: User) -> None:
    """It opens nothing, is shown nowhere, and its secret is deleted when the link has expired."""
    device, token = TotpDevice.objects.get(), enrolled[1]
    assert call("DELETE", f"/v1/factors/{device.pk}", token=token).status_code == 204
    Stranger().sign_in()
    disown = {"token": mailed_token(subject=NEW_SIGN_IN)}
    assert call("POST", "/v1/sessions/disown", disown).status_code == 200
    user.refresh_from_db()
    assert not user.has_second_factor
    assert not TotpDevice.objects.in_use().exists()
    assert prune_removed() == 0
    TotpDevice.objects.update(removed_at=timezone.now() - timedelta(days=8))
    assert prune_removed() == 1

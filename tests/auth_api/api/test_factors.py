"""Adding, listing and removing second factors, over HTTP as the BFF calls."""

from dataclasses import replace
from typing import Any

import pytest
from django.utils import timezone

from auth_api.security_log.models import SecurityEvent
from auth_api.security_log.writer import writer
from auth_api.users.factors.enrolment import ENROLMENT, MOST
from auth_api.users.models import RecoveryCode, TotpDevice, User
from tests.auth_api.factors import (
    App,
    enrol,
    finish,
    login,
    recovery_codes,
    signin_token,
)
from tests.auth_api.http import call, document_of, session_token
from tests.auth_api.mails import sent_mails
from tests.auth_api.outages import no_store
from tests.auth_api.sessions.conftest import make_user

pytestmark = pytest.mark.django_db(transaction=True)

KIND = "urn:gatehouse:problem:"


def test_the_list_has_no_secret(enrolled: tuple[App, str]) -> None:
    _, token = enrolled
    answer = call("GET", "/v1/factors", token=token)
    [item] = answer.json()["items"]
    assert item.keys() == {"id", "type", "name", "added_at", "last_used_at"}
    assert item["name"] == "Telephone"


def test_enrolment_needs_a_recent_authentication(
    before: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.GATEHOUSE = replace(settings.GATEHOUSE, recent_authentication=-1)
    answer = call("POST", "/v1/factors/totp", {}, token=before)
    assert answer.json()["type"] == KIND + "reauthentication-required"


def test_an_enrolment_of_an_ended_session_fails(before: str) -> None:
    """better-auth CVE-2026-134321: a revoked session still makes credentials."""
    app = App(call("POST", "/v1/factors/totp", {}, token=before).json()["secret"])
    call("POST", "/v1/logout", {}, token=before)
    form = {"code": app.code()}
    assert call("POST", "/v1/factors/totp/confirm", form, token=before).status_code == 401
    other = session_token(login())  # nor does another sign-in complete it
    assert call("POST", "/v1/factors/totp/confirm", form, token=other).status_code == 404


def test_an_enrolment_waits_half_an_hour(before: str) -> None:
    app = App(call("POST", "/v1/factors/totp", {}, token=before).json()["secret"])
    TotpDevice.objects.update(created_at=timezone.now() - ENROLMENT)
    form = {"code": app.code()}
    assert call("POST", "/v1/factors/totp/confirm", form, token=before).status_code == 404


def test_there_is_a_limit_of_apps(enrolled: tuple[App, str], user: User) -> None:
    for number in range(MOST - 1):
        TotpDevice.objects.create(
            user=user, name=str(number), sealed_secret=b"x", confirmed_at=timezone.now()
        )
    answer = call("POST", "/v1/factors/totp", {}, token=enrolled[1])
    assert answer.status_code == 409


def test_a_factor_of_another_user_is_not_found(enrolled: tuple[App, str]) -> None:
    make_user("bob@example.com")
    _, token = enrol(session_token(login(email="bob@example.com")))
    theirs = TotpDevice.objects.get(user__email="ada@example.com").pk
    for method, body in (("PATCH", {"name": "Mine"}), ("DELETE", None)):
        assert call(method, f"/v1/factors/{theirs}", body, token=token).status_code == 404
    assert TotpDevice.objects.get(pk=theirs).name == "Telephone"


def test_without_the_last_app_the_password_is_enough_again(
    enrolled: tuple[App, str], user: User
) -> None:
    recovery_codes(enrolled[1])
    device = TotpDevice.objects.get()
    assert call("DELETE", f"/v1/factors/{device.pk}", token=enrolled[1]).status_code == 204
    assert "session" in login().json()
    assert RecoveryCode.objects.count() == 0


def test_new_recovery_codes_replace_the_old_ones_when_one_is_typed(
    enrolled: tuple[App, str],
) -> None:
    token = enrolled[1]
    old = recovery_codes(token)
    new = call("POST", "/v1/factors/recovery-codes", {}, token=token).json()["codes"]
    assert len(set(old) | set(new)) == 20
    wrong = call("POST", "/v1/factors/recovery-codes/confirm", {"code": old[0]}, token=token)
    assert wrong.status_code == 401
    assert finish(signin_token(login()), new[0], "recovery").status_code == 401  # not in force
    call("POST", "/v1/factors/recovery-codes/confirm", {"code": new[0]}, token=token)
    assert finish(signin_token(login()), old[1], "recovery").status_code == 401
    assert finish(signin_token(login()), new[0], "recovery").status_code == 200


def test_each_kind_of_change_has_a_limit_of_its_own(
    enrolled: tuple[App, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is an event, and most are a mail to the owner. Removing an app is never refused."""
    monkeypatch.setattr("auth_api.throttling.CHANGES", 2)  # one app has been added
    device = f"/v1/factors/{TotpDevice.objects.get().pk}"
    for method, path, body, free in (
        ("POST", "/v1/factors/totp", {}, 1),
        ("POST", "/v1/factors/recovery-codes", {}, 2),
        ("PATCH", device, {"name": "Tablet"}, 2),
    ):
        answers = [call(method, path, body, token=enrolled[1]) for _ in range(free + 1)]
        assert [a.status_code == 429 for a in answers] == [False] * free + [True], path
    assert call("DELETE", device, token=enrolled[1]).status_code == 204


def test_recovery_codes_need_an_app(before: str) -> None:
    assert call("POST", "/v1/factors/recovery-codes", {}, token=before).status_code == 404


def test_an_added_app_is_never_answered_with_try_again(
    user: User, before: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = App(call("POST", "/v1/factors/totp", {}, token=before).json()["secret"])
    monkeypatch.setattr("auth_api.sessions.services.renew_session", no_store)
    answer = call("POST", "/v1/factors/totp/confirm", {"code": app.code()}, token=before)
    assert answer.status_code == 200
    assert User.objects.get(pk=user.pk).has_second_factor


def test_the_owner_gets_mails_and_sees_it_in_the_log(enrolled: tuple[App, str]) -> None:
    """ASVS 6.3.5 and 6.3.7."""
    codes = recovery_codes(enrolled[1])
    for _ in range(5):
        finish(signin_token(login()), "000000")
    finish(signin_token(login()), codes[0], "recovery")
    subjects = [mail.subject for mail in sent_mails()]
    refused = "Someone with your password entered a wrong code"
    assert subjects.count(refused) == 3  # an hour
    for subject in (
        "An authenticator app was added", "You have new recovery codes", "A recovery code was used",
    ):  # fmt: skip
        assert subjects.count(subject) == 1
    writer.drain()
    kinds = set(SecurityEvent.objects.values_list("kind", flat=True))
    assert kinds >= {
        "factor.added", "factor.recovery_codes_made", "factor.recovery_code_used",
        "login.code_asked", "login.code_refused",
    }  # fmt: skip


def test_the_export_names_factors_and_no_secret(enrolled: tuple[App, str]) -> None:
    recovery_codes(enrolled[1])
    answer = call("GET", "/v1/account/export", token=enrolled[1])
    [factor] = document_of(answer)["second_factors"]
    assert factor.keys() == {"type", "name", "added_at"}


def test_a_deleted_account_leaves_none(enrolled: tuple[App, str], settings: Any) -> None:
    settings.GATEHOUSE = replace(settings.GATEHOUSE, deletion_delay=0)
    recovery_codes(enrolled[1])
    form = {"email": "ada@example.com"}
    assert call("DELETE", "/v1/account", form, token=enrolled[1]).status_code == 204
    assert not TotpDevice.objects.exists()
    assert not RecoveryCode.objects.exists()


def test_a_removed_app_is_none(enrolled: tuple[App, str]) -> None:
    app, token = enrolled
    tablet = App(call("POST", "/v1/factors/totp", {}, token=token).json()["secret"])
    call("POST", "/v1/factors/totp/confirm", {"code": tablet.code()}, token=token)
    device = TotpDevice.objects.get(name="Telephone")
    path = f"/v1/factors/{device.pk}"
    token = session_token(finish(signin_token(login()), app.code()))
    assert call("DELETE", path, {"x": 1}, token=token).status_code == 400
    assert call("DELETE", path, token=token).status_code == 204
    for method, body in (("PATCH", {"name": "Mine"}), ("DELETE", None)):
        assert call(method, path, body, token=token).status_code == 404
    TotpDevice.objects.update(last_step=0)
    assert finish(signin_token(login()), app.code()).status_code == 401
    [item] = call("GET", "/v1/factors", token=token).json()["items"]
    assert item["id"] != device.pk

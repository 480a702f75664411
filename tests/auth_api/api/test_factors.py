"""Setting up second factors, and what an account with one demands, over HTTP as the BFF calls."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from auth_api.security_log.models import SecurityEvent
from auth_api.security_log.writer import writer
from auth_api.sessions.exceptions import SessionStoreUnavailable
from auth_api.tries import FREE_TRIES
from auth_api.users.factors.enrolment import ENROLMENT, MOST
from auth_api.users.factors.models import RecoveryCode, TotpDevice
from auth_api.users.factors.removal import prune_removed
from auth_api.users.models import User
from gatehouse.keys import Key
from tests.auth_api.factors import (
    App,
    enrol,
    finish,
    login,
    recovery_codes,
    signin_token,
)
from tests.auth_api.http import call, document_of, session_token
from tests.auth_api.mails import mailed_token, sent_mails
from tests.auth_api.sessions.conftest import PASSWORD, make_user
from tests.auth_api.users.stranger import Stranger

pytestmark = pytest.mark.django_db(transaction=True)

# Another network and browser than the owner's.
FAR = {"HTTP_GATEHOUSE_CLIENT_ADDRESS": "198.51.100.9", "HTTP_GATEHOUSE_CLIENT_BROWSER": "c" * 64}
KIND = "urn:gatehouse:problem:"
NEW_PASSWORD = "nine green bottles on a wall"
IMPORTANT: list[tuple[str, str, Any]] = [
    ("POST", "/v1/factors/totp", {}),
    ("POST", "/v1/factors/recovery-codes", {}),
    ("POST", "/v1/email/change", {"email": "new@example.com"}),
    ("GET", "/v1/account/export", None),
    ("DELETE", "/v1/account", {"email": "ada@example.com"}),
    ("POST", "/v1/password/change", {"current_password": PASSWORD, "new_password": NEW_PASSWORD}),
]


@pytest.fixture
def user() -> Any:
    return make_user("ada@example.com")


@pytest.fixture
def before(user: User) -> str:
    """The token of a session that was there before the factor."""
    return session_token(login())


@pytest.fixture
def enrolled(before: str) -> tuple[App, str]:
    return enrol(session_token(login()))


def code_asked(answer: Any) -> bool:
    return bool(answer.status_code == 403 and answer.json()["type"] == KIND + "step-up-required")


def test_the_list_has_no_secret(enrolled: tuple[App, str]) -> None:
    _, token = enrolled
    answer = call("GET", "/v1/factors", token=token)
    [item] = answer.json()["items"]
    assert item.keys() == {"id", "type", "name", "added_at", "last_used_at"}
    assert item["name"] == "Telephone"


def test_a_session_from_before_the_factor_must_show_it(
    before: str, enrolled: tuple[App, str]
) -> None:
    """An intruder who had the password, and a session, before the owner enrolled."""
    for method, path, body in IMPORTANT:
        answer = call(method, path, body, token=before)
        assert code_asked(answer), path
    assert answer.json()["methods"] == ["totp", "recovery"]
    assert (answer.json()["acr"], answer.json()["max_age"]) == ("aal2", 86400)


def test_the_password_again_is_not_the_factor(before: str, enrolled: tuple[App, str]) -> None:
    again = call("POST", "/v1/reauthenticate", {"password": PASSWORD}, token=before)
    assert code_asked(again)
    assert code_asked(call("POST", "/v1/factors/totp", {}, token=before))


def test_a_code_is_enough(before: str, enrolled: tuple[App, str]) -> None:
    form = {"method": "totp", "code": enrolled[0].code()}
    shown = call("POST", "/v1/reauthenticate", form, token=before)
    assert shown.json()["session"]["assurance"]["methods"] == ["pwd", "otp"]
    assert call("POST", "/v1/factors/totp", {}, token=session_token(shown)).status_code == 200
    assert call("GET", "/v1/session", token=before).status_code == 401  # a new secret


def test_the_factor_ages(enrolled: tuple[App, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auth_api.sessions.assurance.SECOND_FACTOR_AGE", -1)
    assert code_asked(call("POST", "/v1/factors/totp", {}, token=enrolled[1]))


def test_an_important_change_asks_redis_once(enrolled: tuple[App, str], redis_client: Any) -> None:
    """Session, level and recency come from one script; its answer has the time."""
    redis_client.config_resetstat()
    assert call("POST", "/v1/factors/totp", {}, token=enrolled[1]).status_code == 200
    assert redis_client.info("commandstats")["cmdstat_evalsha"]["calls"] == 1


def test_a_changed_password_goes_on_with_the_factor(enrolled: tuple[App, str]) -> None:
    form = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    changed = call("POST", "/v1/password/change", form, token=enrolled[1])
    assert changed.status_code == 200
    assert set(changed.json()["session"]["assurance"]["methods"]) == {"pwd", "otp"}


def test_a_reset_password_does_not_pass_the_factor(enrolled: tuple[App, str]) -> None:
    """Keycloak CVE-2026-18963, listmonk CVE-2026-128333, RubyGems CVE-2024-21654."""
    call("POST", "/v1/password/forgot", {"email": "ada@example.com"})
    form = {
        "token": mailed_token(subject="Set a new password for localhost"),
        "password": NEW_PASSWORD,
    }
    assert call("POST", "/v1/password/reset", form).status_code == 200
    answer = login(password=NEW_PASSWORD)
    assert answer.json().keys() == {"pending"}


def test_enrolment_needs_a_recent_authentication(
    before: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

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


def test_recovery_codes_need_an_app(before: str) -> None:
    assert call("POST", "/v1/factors/recovery-codes", {}, token=before).status_code == 404


def test_after_a_recovery_code_important_acts_wait_and_enrolling_does_not(
    enrolled: tuple[App, str],
) -> None:
    code = recovery_codes(enrolled[1])[0]
    token = session_token(finish(signin_token(login()), code, "recovery"))
    device = TotpDevice.objects.get()
    held: list[tuple[str, str, Any]] = [
        *IMPORTANT[2:5], ("DELETE", f"/v1/factors/{device.pk}", None),
    ]  # fmt: skip
    for method, path, body in held:
        for one in (
            token,
            enrolled[1],
        ):  # of every session: the code's user may enrol an app and come back
            answer = call(method, path, body, token=one)
            assert answer.json()["type"] == KIND + "recovery-hold", path
            assert 86000 < answer.json()["retry_after"] <= 86401
    assert enrol(token)
    day = timedelta(days=1)
    SecurityEvent.objects.filter(kind="factor.recovery_code_used").update(at=timezone.now() - day)
    assert call(*held[-1], token=enrolled[1]).status_code == 204


def test_codes_have_one_counter_over_all_doors(before: str, enrolled: tuple[App, str]) -> None:
    """Keycloak usd-2021-0016, Kanboard #5859, ZITADEL GHSA-7j7j-66cv-m239."""
    wrong = {"method": "totp", "code": "000000"}
    for _ in range(FREE_TRIES - 2):
        assert call("POST", "/v1/reauthenticate", wrong, token=before).status_code == 401
    for _ in range(2):  # the right password clears no codes
        assert finish(signin_token(login()), "000000").status_code == 401
    assert call("POST", "/v1/reauthenticate", wrong, token=before).status_code == 429
    throttled = finish(signin_token(login()), enrolled[0].code())
    assert throttled.status_code == 429
    assert int(throttled["Retry-After"]) <= 30


def test_a_throttled_code_costs_no_try(enrolled: tuple[App, str], redis_client: Any) -> None:
    pending = signin_token(login())
    for _ in range(FREE_TRIES // 2):
        finish(signin_token(login()), "000000")
        finish(signin_token(login()), "000000")
    assert [finish(pending, "000000").status_code for _ in range(8)] == [429] * 8
    redis_client.delete(*redis_client.keys("gh:throttle:*"))
    assert finish(pending, enrolled[0].code()).status_code == 200


def test_after_a_hundred_failures_only_a_recovery_code_signs_in(
    enrolled: tuple[App, str], redis_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SP 800-63B-4, 3.2.2."""
    codes = recovery_codes(enrolled[1])
    monkeypatch.setattr("auth_api.code_throttling.CODE_TRIES", 3)
    for _ in range(3):
        finish(signin_token(login()), "000000")
    redis_client.delete(*redis_client.keys("gh:throttle:*:tries"))  # a day has passed
    assert finish(signin_token(login()), enrolled[0].code()).status_code == 429
    assert finish(signin_token(login()), codes[1], "recovery").status_code == 200
    assert finish(signin_token(login()), enrolled[0].code()).status_code == 200


def test_an_outage_gives_the_code_back(
    enrolled: tuple[App, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pending = signin_token(login())

    def fail(*_: Any) -> bool:
        raise OperationalError("locked")

    with monkeypatch.context() as patch:
        patch.setattr("auth_api.users.factors.checking._use_totp", fail)
        for _ in range(FREE_TRIES + 2):
            assert finish(pending, "123456").status_code == 503
    assert finish(pending, enrolled[0].code()).status_code == 200


def unavailable(*_: Any, **__: Any) -> Any:
    raise SessionStoreUnavailable("gone")


def test_an_outage_of_the_database_before_the_code_is_judged_costs_no_try(
    enrolled: tuple[App, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pending = signin_token(login())

    def fail(*_: Any, **__: Any) -> Any:
        raise OperationalError("locked")

    with monkeypatch.context() as patch:
        patch.setattr("auth_api.users.flows.second_step.User.objects.filter", fail)
        for _ in range(6):
            assert finish(pending, "123456").status_code == 503
    assert finish(pending, enrolled[0].code()).status_code == 200


def test_a_wrong_code_stays_judged_when_its_failure_cannot_be_counted(
    enrolled: tuple[App, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pending = signin_token(login())
    monkeypatch.setattr("auth_api.code_throttling.CodeThrottle.fail", unavailable)
    answers = [finish(pending, "000000") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 6
    assert answers[-1].json()["type"] == KIND + "sign-in-expired"


def test_a_missing_key_is_no_wrong_code(
    enrolled: tuple[App, str], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = recovery_codes(enrolled[1])
    old, pending = settings.GATEHOUSE, signin_token(login())
    settings.GATEHOUSE = replace(old, factor_keys=(Key("k9", b"9" * 32),))
    for _ in range(FREE_TRIES + 2):
        answer = finish(pending, enrolled[0].code())
        assert (answer.status_code, answer.json()["type"]) == (503, KIND + "factor-unavailable")
    settings.GATEHOUSE = old
    assert finish(pending, codes[1], "recovery").status_code == 200
    assert "wrong code" not in " ".join(mail.subject for mail in sent_mails())


def test_an_added_app_is_never_answered_with_try_again(
    user: User, before: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = App(call("POST", "/v1/factors/totp", {}, token=before).json()["secret"])
    monkeypatch.setattr("auth_api.sessions.services.renew_session", unavailable)
    answer = call("POST", "/v1/factors/totp/confirm", {"code": app.code()}, token=before)
    assert answer.status_code == 200
    assert User.objects.get(pk=user.pk).has_second_factor


def test_a_sign_out_is_done_even_if_the_pending_sign_in_cannot_be_dropped(
    enrolled: tuple[App, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pending = signin_token(login())
    monkeypatch.setattr("auth_api.api.pending_sign_ins.drop_sign_in", unavailable)
    answer = call("POST", "/v1/logout", {}, HTTP_COOKIE=f"__Host-signin={pending}")
    assert answer.status_code == 204
    assert answer.cookies["__Host-signin"].value == ""


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


def test_this_was_not_me_removes_what_the_intruder_enrolled(user: User) -> None:
    login()  # the owner's place
    intruder = Stranger().sign_in()
    enrol(intruder.token)
    user.refresh_from_db()
    assert user.has_second_factor
    token = mailed_token(subject="New sign-in to your account at localhost")
    assert call("POST", "/v1/sessions/disown", {"token": token}).status_code == 200
    user.refresh_from_db()
    assert not user.has_second_factor
    assert not TotpDevice.objects.exists()


def test_this_was_not_me_removes_it_also_after_a_reset(user: User) -> None:
    """Otherwise the intruder's app would keep out the owner who has just set a new password."""
    login()
    intruder = Stranger().sign_in()
    enrol(intruder.token)
    disown = mailed_token(subject="New sign-in to your account at localhost")
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
    token = mailed_token(subject="New sign-in to your account at localhost")
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
    link = {"token": mailed_token(subject="New sign-in to your account at localhost")}
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
    disown = {"token": mailed_token(subject="New sign-in to your account at localhost")}
    call("POST", "/v1/password/forgot", {"email": user.email})
    form = {
        "token": mailed_token(subject="Set a new password for localhost"),
        "password": NEW_PASSWORD,
    }
    assert call("POST", "/v1/password/reset", form).status_code == 200
    assert call("POST", "/v1/sessions/disown", disown).status_code == 200
    user.refresh_from_db()
    assert user.has_second_factor


def test_an_app_that_the_owner_removed_stays_removed(enrolled: tuple[App, str], user: User) -> None:
    """It opens nothing, is shown nowhere, and its secret is deleted when the link has expired."""
    device, token = TotpDevice.objects.get(), enrolled[1]
    assert call("DELETE", f"/v1/factors/{device.pk}", token=token).status_code == 204
    Stranger().sign_in()
    disown = {"token": mailed_token(subject="New sign-in to your account at localhost")}
    assert call("POST", "/v1/sessions/disown", disown).status_code == 200
    user.refresh_from_db()
    assert not user.has_second_factor
    assert not TotpDevice.objects.in_use().exists()
    assert prune_removed() == 0
    TotpDevice.objects.update(removed_at=timezone.now() - timedelta(days=8))
    assert prune_removed() == 1


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


def test_bad_forms_of_a_second_proof(before: str) -> None:
    for form in (
        {}, {"code": "123456"}, {"method": "sms", "code": "1"}, {"method": "totp"},
        {"password": "x", "method": "totp", "code": "1"},
    ):  # fmt: skip
        assert call("POST", "/v1/reauthenticate", form, token=before).status_code == 400, form

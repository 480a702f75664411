"""What an account with a second factor demands for an important change, over HTTP as the BFF calls."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from auth_api.security_log.models import SecurityEvent
from auth_api.sessions.services import end_all_sessions
from auth_api.users.factors.demands import require_sudo
from auth_api.users.models import TotpDevice, User
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
from tests.auth_api.mails import mailed_token
from tests.auth_api.sessions.conftest import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)

KIND = "urn:gatehouse:problem:"
IMPORTANT: list[tuple[str, str, Any]] = [
    ("POST", "/v1/factors/totp", {}),
    ("POST", "/v1/factors/recovery-codes", {}),
    ("POST", "/v1/email/change", {"email": "new@example.com"}),
    ("GET", "/v1/account/export", None),
    ("DELETE", "/v1/account", {"email": "ada@example.com"}),
    ("POST", "/v1/password/change", {"current_password": PASSWORD, "new_password": NEW_PASSWORD}),
]


def code_asked(answer: Any) -> bool:
    return bool(answer.status_code == 403 and answer.json()["type"] == KIND + "step-up-required")


def hold_until(token: str) -> Any:
    return call("GET", "/v1/factors", token=token).json()["recovery_hold_until"]


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


def test_after_a_recovery_code_important_acts_wait_and_enrolling_does_not(
    enrolled: tuple[App, str],
) -> None:
    code = recovery_codes(enrolled[1])[0]
    assert hold_until(enrolled[1]) is None
    token = session_token(finish(signin_token(login()), code, "recovery"))
    ends = datetime.fromisoformat(hold_until(enrolled[1]))
    assert 86000 < (ends - timezone.now()).total_seconds() <= 86400
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
    assert hold_until(enrolled[1]) is None
    assert call(*held[-1], token=enrolled[1]).status_code == 204


def test_bad_forms_of_a_second_proof(before: str) -> None:
    for form in (
        {}, {"code": "123456"}, {"method": "sms", "code": "1"}, {"method": "totp"},
        {"password": "x", "method": "totp", "code": "1"},
    ):  # fmt: skip
        assert call("POST", "/v1/reauthenticate", form, token=before).status_code == 400, form


# -- what another request changes between the demand and the lock ------------------------------------


def after_the_demand(monkeypatch: pytest.MonkeyPatch, act: Callable[[], Any]) -> None:
    """Let `act` happen once, when the next call has passed `require_sudo` and not yet locked the account."""
    left = [act]

    def demand(request: Any) -> None:
        require_sudo(request)
        if left:
            left.pop()()

    monkeypatch.setattr("auth_api.api.factors.require_sudo", demand)


def begun(token: str) -> App:
    return App(call("POST", "/v1/factors/totp", {}, token=token).json()["secret"])


def confirmed(app: App, token: str) -> Any:
    return call("POST", "/v1/factors/totp/confirm", {"code": app.code()}, token=token)


def test_of_two_sessions_with_the_password_one_adds_the_first_app(
    before: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one would add an app beside it that the first one never opened the account to."""
    other = session_token(login())
    app, others = begun(before), begun(other)
    after_the_demand(monkeypatch, lambda: confirmed(others, other))
    assert code_asked(confirmed(app, before))
    assert TotpDevice.objects.in_use().count() == 1
    TotpDevice.objects.update(last_step=0)
    shown = {"method": "totp", "code": others.code()}
    token = session_token(call("POST", "/v1/reauthenticate", shown, token=before))
    assert confirmed(app, token).status_code == 200


@pytest.mark.parametrize("path", ["/v1/factors/totp", "/v1/factors/recovery-codes"])
def test_who_has_shown_the_password_gets_no_secret_of_an_account_with_an_app(
    before: str, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor recovery codes, which would also replace those that the owner is looking at."""
    other = session_token(login())
    app = begun(other)
    after_the_demand(monkeypatch, lambda: confirmed(app, other))
    assert code_asked(call("POST", path, {}, token=before))


def test_an_app_that_is_added_meanwhile_is_not_removed_with_the_password(
    before: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = session_token(login())
    app = begun(other)
    [device] = TotpDevice.objects.all()
    after_the_demand(monkeypatch, lambda: confirmed(app, other))
    assert code_asked(call("DELETE", f"/v1/factors/{device.pk}", token=before))
    assert TotpDevice.objects.in_use().count() == 1


def test_a_session_that_ended_while_it_waited_removes_nothing(
    enrolled: tuple[App, str], user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ "This was not me" holds the lock: what the intruder has sent by then must not follow it."""
    device = TotpDevice.objects.get()
    after_the_demand(monkeypatch, lambda: end_all_sessions(user))
    answer = call("DELETE", f"/v1/factors/{device.pk}", token=enrolled[1])
    assert answer.status_code == 401
    assert TotpDevice.objects.in_use().exists()

"""Who must have a second factor: by the policy of the site, or by support, over HTTP as the BFF calls."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth import login as django_login
from django.contrib.auth.models import Group
from django.db import transaction
from django.utils import timezone

from auth_api.security_log.models import SecurityEvent
from auth_api.sessions import services
from auth_api.sessions.exceptions import FactorRequired
from auth_api.users.factor_policy import look_for_groups
from auth_api.users.factors.removal import require_enrolment
from auth_api.users.models import TotpDevice, User
from tests.auth_api.api.test_second_factor import EXPIRED
from tests.auth_api.factors import (
    NEW_PASSWORD,
    Policy,
    at_once,
    enrol,
    finish,
    finish_enrolling,
    login,
    purpose_of,
    secret_of,
    signin_token,
)
from tests.auth_api.http import call, session_token
from tests.auth_api.logs import logged
from tests.auth_api.mails import mailed_token, sent_mails
from tests.auth_api.sessions.conftest import PASSWORD, request_with

pytestmark = pytest.mark.django_db(transaction=True)

DAY = 86400


def days_pass(user: User, days: float) -> None:
    """As if the policy had met the user so much earlier."""
    User.objects.filter(pk=user.pk).update(
        second_factor_asked_at=user.second_factor_asked_at - timedelta(days=days)
    )
    user.refresh_from_db()


# -- whom it asks -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "groups", "staff", "joined", "purpose"),
    [
        ("optional", (), True, "editors", "none"),
        ("staff", (), False, "editors", "none"),
        ("staff", (), True, "", "enrol"),
        ("all", (), False, "", "enrol"),
        ("optional", ("ops", "editors"), False, "editors", "enrol"),
        ("optional", ("ops",), False, "editors", "none"),
        ("staff", ("ops",), False, "ops", "enrol"),
        ("optional", ("ops",), False, "", "none"),
    ],
)
def test_it_asks_staff_everybody_or_members_of_groups(
    user: User,
    policy: Policy,
    asked: str,
    groups: tuple[str, ...],
    staff: bool,
    joined: str,
    purpose: str,
) -> None:
    User.objects.filter(pk=user.pk).update(is_staff=staff)
    if joined:
        user.groups.add(Group.objects.create(name=joined))
    policy(asked, *groups)
    assert purpose_of(login()) == purpose


def test_a_group_that_does_not_exist_is_logged_once(user: User, policy: Policy) -> None:
    """It asks nobody, which may be a misspelt name. It may also be created later, so it is no reason not to start."""
    look_for_groups.cache_clear()
    ops = Group.objects.create(name="ops")
    policy("optional", "ops", "Editors")
    with logged() as events:
        assert [purpose_of(login()) for _ in range(2)] == ["none", "none"]
    assert [e["group"] for e in events if e["event"] == "policy.group_missing"] == ["Editors"]
    with logged() as events, transaction.atomic():
        ops.name = "operations"
        ops.save()
        Group.objects.create(name="ops").delete()
        Group.objects.create(name="other").delete()
    assert [e["group"] for e in events if e["event"] == "policy.group_missing"] == ["ops", "ops"]


def test_whoever_has_a_factor_shows_it(user: User, policy: Policy) -> None:
    enrol(session_token(login()))
    policy("all")
    answer = login()
    assert purpose_of(answer) == "factor"
    assert answer.json()["pending"]["methods"] == ["totp", "recovery"]


# -- the days of grace ------------------------------------------------------------------------------


def test_days_of_grace_count_from_the_first_sign_in_under_the_policy(
    user: User, policy: Policy
) -> None:
    policy("all", grace=7 * DAY)
    before = timezone.now()
    answer = login()
    assert "session" in answer.json()
    by = datetime.fromisoformat(answer.json()["user"]["second_factor_by"])
    assert by >= before.replace(microsecond=0) + timedelta(days=7)
    user.refresh_from_db()
    assert user.second_factor_asked_at is not None
    days_pass(user, 6.9)
    again = login()
    assert again.json()["user"]["second_factor_by"] < answer.json()["user"]["second_factor_by"]
    days_pass(user, 0.2)
    assert purpose_of(login()) == "enrol"


def test_the_account_shows_the_date_until_the_app_is_added(user: User, policy: Policy) -> None:
    policy("all", grace=DAY)
    token = session_token(login())
    assert "second_factor_by" in call("GET", "/v1/session", token=token).json()["user"]
    assert "second_factor_by" in call("GET", "/v1/factors", token=token).json()["user"]
    _, token = enrol(token)
    assert "second_factor_by" not in call("GET", "/v1/session", token=token).json()["user"]


def test_without_a_policy_there_is_no_date(user: User, policy: Policy) -> None:
    policy("all", grace=DAY)
    login()
    policy("optional", grace=DAY)
    assert "second_factor_by" not in login().json()["user"]


def test_parallel_first_sign_ins_store_one_date(user: User, policy: Policy) -> None:
    policy("all", grace=DAY)
    answers = at_once(lambda: login().json()["user"]["second_factor_by"], 4)
    assert len(set(answers)) == 1


# -- below every door -------------------------------------------------------------------------------


def test_no_maker_of_sessions_passes_the_policy(user: User, policy: Policy) -> None:
    """Keycloak CVE-2026-133221, CVE-2026-94218, better-auth #8627: whatever view forgot the step."""
    policy("all")
    with pytest.raises(FactorRequired):
        services.start_session(request_with(None), user, remember=False, methods=("pwd",))
    with pytest.raises(FactorRequired):
        django_login(request_with(None), user)
    assert services.backend.count(user.session_ref) == 0


def test_a_reset_password_does_not_pass_it(user: User, policy: Policy) -> None:
    policy("all")
    call("POST", "/v1/password/forgot", {"email": user.email})
    form = {
        "token": mailed_token(subject="Set a new password for localhost"),
        "password": NEW_PASSWORD,
    }
    assert not call("POST", "/v1/password/reset", form).cookies
    assert purpose_of(login(password=NEW_PASSWORD)) == "enrol"


def test_a_registration_does_not_pass_it(policy: Policy) -> None:
    policy("all")
    form = {"email": "new@example.com", "password": PASSWORD}
    call("POST", "/v1/register", form)
    proof = {"token": mailed_token("new@example.com"), "password": PASSWORD}
    assert not call("POST", "/v1/email/verify", proof).cookies
    assert purpose_of(login(email="new@example.com")) == "enrol"


def test_a_session_from_before_the_policy_is_not_renewed_by_the_password(
    user: User, policy: Policy
) -> None:
    """Its clocks would restart for ever. It goes on as it is until it ends."""
    token = session_token(login())
    policy("all")
    assert call("GET", "/v1/session", token=token).status_code == 200
    answer = call("POST", "/v1/reauthenticate", {"password": PASSWORD}, token=token)
    assert (answer.status_code, answer.json()["type"]) == (
        401,
        "urn:gatehouse:problem:session-ended",
    )
    assert call("GET", "/v1/session", token=token).status_code == 401
    assert purpose_of(login()) == "enrol"


def test_reauthentication_begins_the_days_of_grace(user: User, policy: Policy) -> None:
    token = session_token(login())
    policy("all", grace=DAY)
    answer = call("POST", "/v1/reauthenticate", {"password": PASSWORD}, token=token)
    assert answer.status_code == 200
    user.refresh_from_db()
    assert user.second_factor_asked_at is not None


def test_a_changed_password_makes_no_new_session(user: User, policy: Policy) -> None:
    token = session_token(login())
    policy("all")
    form = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    answer = call("POST", "/v1/password/change", form, token=token)
    assert answer.json()["type"] == "urn:gatehouse:problem:password-changed"
    assert services.backend.count(User.objects.get().session_ref) == 0


def test_a_factor_that_was_removed_makes_no_new_session(user: User, policy: Policy) -> None:
    """The session has shown it once. Without an app left, that opens no further session."""
    _, token = enrol(session_token(login()))
    policy("all")
    device = TotpDevice.objects.in_use().get()
    assert call("DELETE", f"/v1/factors/{device.pk}", {}, token=token).status_code == 204
    form = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    answer = call("POST", "/v1/password/change", form, token=token)
    assert answer.json()["type"] == "urn:gatehouse:problem:password-changed"
    assert services.backend.count(user.session_ref) == 0


def test_the_password_does_not_renew_a_session_that_never_showed_the_factor(user: User) -> None:
    """Its owner has added the app in another browser: the clocks of this one would restart for ever."""
    old = session_token(login())
    app, _ = enrol(session_token(login()))
    answer = call("POST", "/v1/reauthenticate", {"password": PASSWORD}, token=old)
    assert (answer.status_code, answer.json()["type"]) == (
        403,
        "urn:gatehouse:problem:step-up-required",
    )
    form = {"method": "totp", "code": app.code()}
    renewed = session_token(call("POST", "/v1/reauthenticate", form, token=old))
    again = call("POST", "/v1/reauthenticate", {"password": PASSWORD}, token=renewed)
    assert again.status_code == 200


# -- support ----------------------------------------------------------------------------------------


def test_support_can_require_a_new_enrolment_whatever_the_policy_says(
    user: User, redis_client: Any
) -> None:
    app, token = enrol(session_token(login()))
    waiting = signin_token(login())
    finish(waiting, "000000")
    assert require_enrolment(user.pk, reason="lost") == 1
    assert call("GET", "/v1/session", token=token).status_code == 401
    assert finish(waiting, app.code()).json()["type"] == EXPIRED
    assert not redis_client.keys("gh:throttle:*:failures")  # of codes of the old secret
    pending = signin_token(login())
    assert finish_enrolling(pending, secret_of(pending).code()).status_code == 200
    event = SecurityEvent.objects.get(kind="factor.enrolment_required")
    assert (event.reason, event.by) == ("lost", "system")
    [mail] = [mail for mail in sent_mails() if mail.subject == "Your second factor was reset"]
    assert mail.to == [user.email]


def test_it_is_required_until_the_owner_has_chosen(user: User) -> None:
    """Neither a reset of the password nor an intruder's enrolment that is undone settles it."""
    require_enrolment(user.pk, reason="lost")
    assert purpose_of(login()) == "enrol"
    user.refresh_from_db()
    user.set_password(NEW_PASSWORD)
    user.save()
    pending = signin_token(login(password=NEW_PASSWORD))
    token = session_token(finish_enrolling(pending, secret_of(pending).code()))
    device = TotpDevice.objects.in_use().get()
    assert call("DELETE", f"/v1/factors/{device.pk}", token=token).status_code == 204
    assert "session" in login(password=NEW_PASSWORD).json()

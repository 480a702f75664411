"""Who must have a second factor, and the sign-in that may only add one, over HTTP as the BFF calls."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth import login as django_login
from django.contrib.auth.models import Group
from django.utils import timezone

from auth_api.security_log.models import SecurityEvent
from auth_api.security_log.writer import writer
from auth_api.sessions import services
from auth_api.sessions.exceptions import FactorRequired, SessionStoreUnavailable
from auth_api.sessions.pending import TRIES
from auth_api.tries import FREE_TRIES
from auth_api.users.factors.models import TotpDevice
from auth_api.users.factors.removal import require_enrolment
from auth_api.users.models import User
from tests.auth_api.api.test_second_factor import CHANGES, EXPIRED, PRIVATE
from tests.auth_api.factors import (
    BROWSER,
    OTHER_BROWSER,
    App,
    at_once,
    begin_enrolling,
    enrol,
    finish,
    finish_enrolling,
    login,
    signin_token,
)
from tests.auth_api.http import call, session_token
from tests.auth_api.logs import logged, names_of
from tests.auth_api.mails import mailed_token, sent_mails
from tests.auth_api.sessions.conftest import PASSWORD, make_user, request_with

pytestmark = pytest.mark.django_db(transaction=True)

NEW_PASSWORD = "nine green bottles on a wall"
DAY = 86400
Policy = Callable[..., None]


@pytest.fixture
def user() -> Any:
    return make_user("ada@example.com")


@pytest.fixture
def policy(settings: Any) -> Policy:
    """Sets the policy: `asked`, groups, seconds of grace."""

    def set_policy(asked: str = "all", *groups: str, grace: int = 0) -> None:
        settings.GATEHOUSE = replace(
            settings.GATEHOUSE,
            second_factor=asked,
            second_factor_groups=frozenset(groups),
            second_factor_grace=grace,
        )

    return set_policy


@pytest.fixture
def pending(user: User, policy: Policy) -> str:
    """A sign-in that waits for its enrolment."""
    policy("all")
    return signin_token(login())


def purpose_of(answer: Any) -> str:
    document = answer.json()
    return str(document["pending"]["purpose"]) if "pending" in document else "none"


def secret_of(pending: str) -> App:
    return App(begin_enrolling(pending).json()["secret"])


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


# -- the sign-in that may only enrol ----------------------------------------------------------------


def test_it_adds_an_app_and_signs_in_in_one_step(user: User, policy: Policy) -> None:
    policy("all")
    waiting = login(remember=True)
    assert waiting.json()["pending"]["methods"] == ["totp"]
    assert "__Host-session" not in waiting.cookies
    pending = signin_token(waiting)
    answer = finish_enrolling(pending, secret_of(pending).code())
    assert answer.status_code == 200, answer.content
    assert answer.json()["session"]["assurance"]["methods"] == ["pwd", "otp"]
    assert answer.json()["session"]["remember"] is True
    assert answer.cookies["__Host-signin"].value == ""
    token = session_token(answer)
    assert call("POST", "/v1/factors/recovery-codes", {}, token=token).status_code == 200
    [device] = TotpDevice.objects.in_use()
    user.refresh_from_db()
    assert (device.name, user.has_second_factor) == ("Telephone", True)
    assert purpose_of(login()) == "factor"


@pytest.mark.parametrize("name", ["__Host-signin", "__Host-session"])
def test_it_opens_nothing_else(pending: str, name: str) -> None:
    """Every private call, also those that add a factor to a session (miniOrange CVE-2026-111949)."""
    calls = [(m, path, {} if m == "POST" else None) for m, path in PRIVATE]
    for method, path, body in calls + [("POST", path, form) for path, form in CHANGES]:
        answer = call(method, path, body, HTTP_COOKIE=f"{name}={pending}")
        assert answer.status_code == 401, path
        assert answer.json()["type"] == "urn:gatehouse:problem:no-session", path
    for method, code in (("totp", "123456"), ("recovery", "0" * 24)):
        assert finish(pending, code, method).json()["type"] == EXPIRED
    assert not TotpDevice.objects.exists()
    answer = finish_enrolling(pending, secret_of(pending).code())
    assert answer.status_code == 200  # it was a good one


def test_it_is_no_session_in_redis(pending: str, redis_client: Any) -> None:
    begin_enrolling(pending)
    assert not set(redis_client.keys("*:s:*")) | set(redis_client.keys("*:index"))


def test_fifty_parallel_finishes_add_one_app_and_make_one_session(pending: str, user: User) -> None:
    code = secret_of(pending).code()
    answers = at_once(lambda: finish_enrolling(pending, code).status_code, 50)
    assert answers.count(200) == 1
    assert services.backend.count(user.session_ref) == 1
    assert TotpDevice.objects.in_use().count() == 1


def test_it_cannot_add_to_a_factor_that_the_account_got_meanwhile(
    user: User, policy: Policy
) -> None:
    """Whoever has only the password waits, and the owner enrols: from then on, that app is asked for."""
    owner = session_token(login())
    policy("all")
    pending = signin_token(login())
    intruder = secret_of(pending)
    policy("optional")
    enrol(owner)
    assert finish_enrolling(pending, intruder.code()).json()["type"] == EXPIRED
    assert TotpDevice.objects.in_use().count() == 1


@pytest.mark.parametrize("meanwhile", ["deleted", "deactivated", "enrolled"])
def test_it_gets_no_secret_that_could_not_count(
    pending: str, user: User, policy: Policy, meanwhile: str
) -> None:
    match meanwhile:
        case "deleted":
            user.delete()
        case "deactivated":
            User.objects.filter(pk=user.pk).update(is_active=False)
        case "enrolled":
            other = signin_token(login())
            assert finish_enrolling(other, secret_of(other).code()).status_code == 200
    assert begin_enrolling(pending).json()["type"] == EXPIRED
    assert not TotpDevice.objects.filter(confirmed_at=None).exists()


def test_another_enrolment_of_the_account_does_not_void_its_secret(pending: str) -> None:
    app = secret_of(pending)
    secret_of(signin_token(login()))
    assert finish_enrolling(pending, app.code()).status_code == 200


def test_only_the_newest_secret_counts(pending: str) -> None:
    first, second = secret_of(pending), secret_of(pending)
    assert finish_enrolling(pending, first.code()).json()["tries_left"] == TRIES - 1
    assert finish_enrolling(pending, second.code()).status_code == 200


def test_five_wrong_codes_end_it_and_nobody_is_warned(pending: str) -> None:
    """Whoever types them has seen the secret: nothing is guessed."""
    app = secret_of(pending)
    answers = [finish_enrolling(pending, "000000").json()["tries_left"] for _ in range(TRIES)]
    assert answers == [4, 3, 2, 1, 0]
    assert finish_enrolling(pending, app.code()).json()["type"] == EXPIRED
    assert begin_enrolling(pending).json()["type"] == EXPIRED
    assert sent_mails() == []


def test_what_is_not_judged_costs_no_try(pending: str) -> None:
    for _ in range(TRIES + 1):
        assert finish_enrolling(pending, "123456").status_code == 404  # not begun
    app = secret_of(pending)
    for _ in range(TRIES + 1):
        assert finish_enrolling(pending, app.code(), name="a\nb").status_code == 400
        assert begin_enrolling(pending).status_code == 200
    assert finish_enrolling(pending, secret_of(pending).code()).status_code == 200


def test_another_browser_cannot_finish_it(pending: str) -> None:
    app = secret_of(pending)
    assert begin_enrolling(pending, browser=OTHER_BROWSER).json()["type"] == EXPIRED
    answer = finish_enrolling(pending, app.code(), browser=OTHER_BROWSER)
    assert answer.json()["type"] == EXPIRED
    assert finish_enrolling(pending, app.code()).status_code == 200


@pytest.mark.parametrize("end", ["epoch", "sign-out", "deactivated", "deleted"])
def test_what_ends_it(pending: str, user: User, end: str) -> None:
    app = secret_of(pending)
    match end:
        case "epoch":
            services.end_all_sessions(User.objects.get(pk=user.pk))
        case "sign-out":
            call("POST", "/v1/logout", {}, HTTP_COOKIE=f"__Host-signin={pending}")
        case "deactivated":
            User.objects.filter(pk=user.pk).update(is_active=False)
        case "deleted":
            user.delete()
    assert finish_enrolling(pending, app.code()).json()["type"] == EXPIRED
    assert not TotpDevice.objects.in_use().exists()


def test_an_added_app_is_never_answered_with_try_again(
    pending: str, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next sign-in asks for its code."""

    def unavailable(*_: Any, **__: Any) -> Any:
        raise SessionStoreUnavailable("gone")

    app = secret_of(pending)
    with monkeypatch.context() as patch:
        patch.setattr("auth_api.sessions.services.complete_sign_in", unavailable)
        assert finish_enrolling(pending, app.code()).json()["type"] == EXPIRED
    assert purpose_of(login()) == "factor"


def test_an_account_that_is_to_be_deleted_gets_neither_app_nor_session(
    pending: str, user: User
) -> None:
    """What waits is void, and the account must be kept before anybody adds an app to it."""
    app = secret_of(pending)
    User.objects.filter(pk=user.pk).update(deletion_at=timezone.now() + timedelta(days=1))
    assert finish_enrolling(pending, app.code()).json()["type"] == EXPIRED
    answer = login()
    assert answer.json()["type"] == "urn:gatehouse:problem:deletion-pending"
    assert not {"__Host-session", "__Host-signin"} & set(answer.cookies)


def test_its_sign_in_can_be_disowned_with_the_app(user: User, policy: Policy) -> None:
    """An intruder with the password enrols first: the app bears the id of that sign-in."""
    login()  # the owner's place
    policy("all")
    far = {
        "HTTP_GATEHOUSE_CLIENT_ADDRESS": "198.51.100.9",
        "HTTP_GATEHOUSE_CLIENT_BROWSER": BROWSER,
    }
    form = {"email": user.email, "password": PASSWORD}
    pending = signin_token(call("POST", "/v1/login", form, **far))
    cookie = {"HTTP_COOKIE": f"__Host-signin={pending}", **far}
    app = App(call("POST", "/v1/login/enrol", {}, **cookie).json()["secret"])
    done = {"code": app.code()}
    assert call("POST", "/v1/login/enrol/confirm", done, **cookie).status_code == 200
    [device] = TotpDevice.objects.in_use()
    assert SecurityEvent.objects.filter(kind="session.started", handle=device.added_by).exists()
    link = {"token": mailed_token(subject="New sign-in to your account at localhost")}
    assert call("POST", "/v1/sessions/disown", link).status_code == 200
    assert not TotpDevice.objects.exists()


# -- what a whole sign-in does, and the right password alone does not ---------------------------------


@pytest.mark.parametrize("asked", ["all", "optional"])
def test_only_a_whole_sign_in_is_logged_as_one(user: User, policy: Policy, asked: str) -> None:
    policy(asked)
    with logged() as events:
        pending = login()
    told = names_of(events)
    writer.drain()
    assert ("login.succeeded" in told) is (asked == "optional")
    assert ("login.enrolment_asked" in told) is (asked == "all")
    if asked == "all":
        token = signin_token(pending)
        code = secret_of(token).code()
        with logged() as events:
            finish_enrolling(token, code)
        assert {"login.succeeded", "session.started", "factor.added"} <= set(names_of(events))


def test_the_right_password_alone_forgets_no_failures(user: User) -> None:
    """It is no failure itself, however often it is typed."""
    app, _ = enrol(session_token(login()))
    for _ in range(FREE_TRIES - 1):
        assert login(password="not the password").status_code == 401
    pending = signin_token(login())
    assert login(password="not the password").status_code == 401
    assert login().status_code == 429
    assert finish(pending, app.code()).status_code == 200
    assert [login().status_code for _ in range(FREE_TRIES + 1)] == [200] * (FREE_TRIES + 1)


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

"""The sign-in that may only add a second factor, over HTTP as the BFF calls."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from auth_api.security_log.models import SecurityEvent
from auth_api.security_log.writer import writer
from auth_api.sessions import services
from auth_api.sessions.pending import TRIES
from auth_api.tries import FREE_TRIES
from auth_api.users.models import TotpDevice, User
from tests.auth_api.api.test_second_factor import CHANGES, EXPIRED, PRIVATE
from tests.auth_api.factors import (
    BROWSER,
    OTHER_BROWSER,
    App,
    Policy,
    at_once,
    begin_enrolling,
    enrol,
    finish,
    finish_enrolling,
    login,
    purpose_of,
    secret_of,
    signin_token,
)
from tests.auth_api.http import call, session_token
from tests.auth_api.logs import logged, names_of
from tests.auth_api.mails import mailed_token, sent_mails
from tests.auth_api.outages import no_store
from tests.auth_api.sessions.conftest import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)


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

    app = secret_of(pending)
    with monkeypatch.context() as patch:
        patch.setattr("auth_api.sessions.services.complete_sign_in", no_store)
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

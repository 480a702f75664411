"""Signing in to an account with a second factor, over HTTP as the BFF calls."""

from typing import Any

import pytest
from django.contrib.auth import login as django_login

from auth_api.sessions import services
from auth_api.sessions.exceptions import FactorRequired
from auth_api.sessions.pending import TRIES
from auth_api.users.models import RecoveryCode, TotpDevice, User
from tests.auth_api.factors import (
    BROWSER,
    OTHER_BROWSER,
    App,
    at_once,
    enrol,
    finish,
    login,
    recovery_codes,
    signin_token,
)
from tests.auth_api.http import call, session_token
from tests.auth_api.outages import no_store
from tests.auth_api.sessions.conftest import PASSWORD, make_user, request_with

pytestmark = pytest.mark.django_db(transaction=True)

EXPIRED = "urn:gatehouse:problem:sign-in-expired"


@pytest.fixture
def app(user: User) -> App:
    """The app of an account, enrolled in a session that is open no more."""
    app, token = enrol(session_token(login()))
    call("POST", "/v1/logout", {}, token=token)
    return app


def test_password_and_code_make_a_session(app: App) -> None:
    first = login(remember=True)
    assert first.status_code == 200
    assert first.json().keys() == {"pending"}
    assert first.json()["pending"]["methods"] == ["totp", "recovery"]
    assert "__Host-session" not in first.cookies
    assert "__Host-known-browser" not in first.cookies
    answer = finish(signin_token(first), app.code())
    assert answer.status_code == 200
    assert answer.json()["session"]["assurance"]["methods"] == ["pwd", "otp"]
    assert answer.json()["session"]["remember"] is True
    assert answer.cookies["__Host-signin"].value == ""
    assert call("GET", "/v1/session", token=session_token(answer)).status_code == 200


def test_the_cookie_has_every_attribute(app: App) -> None:
    cookie = login().cookies["__Host-signin"]
    assert cookie["secure"]
    assert cookie["httponly"]
    assert (cookie["samesite"], cookie["path"], cookie["domain"]) == ("Strict", "/", "")
    assert cookie["max-age"] == 600


NEW_APP: list[tuple[str, Any]] = [
    ("/v1/login/enrol", {}), ("/v1/login/enrol/confirm", {"code": "123456"}),
]  # fmt: skip
PRIVATE = [
    ("GET", "/v1/session"), ("GET", "/v1/sessions"), ("GET", "/v1/security-events"),
    ("GET", "/v1/identity?audience=reports"), ("GET", "/v1/account/export"), ("DELETE", "/v1/account"),
    ("GET", "/v1/factors"), ("POST", "/v1/factors/totp"), ("POST", "/v1/factors/recovery-codes"),
    ("POST", "/v1/sessions/revoke-all"), ("POST", "/v1/sessions/revoke-others"),
]  # fmt: skip


CHANGES: list[tuple[str, Any]] = [
    ("/v1/reauthenticate", {"password": PASSWORD}),
    ("/v1/factors/totp/confirm", {"code": "123456"}),
    ("/v1/factors/recovery-codes/confirm", {"code": "123456"}),
    ("/v1/email/change", {"email": "new@example.com"}),
    ("/v1/password/change", {"current_password": PASSWORD, "new_password": "p" * 20}),
]


@pytest.mark.parametrize("name", ["__Host-signin", "__Host-session"])
def test_a_pending_sign_in_opens_and_changes_nothing(app: App, name: str) -> None:
    """miniOrange CVE-2026-111949, convex GHSA-4qvm-r4pr-v3wg, better-auth CVE-2026-134316."""
    pending = signin_token(login())
    calls = [(m, path, {} if m == "POST" else None) for m, path in PRIVATE]
    for method, path, body in calls + [("POST", path, form) for path, form in CHANGES]:
        answer = call(method, path, body, HTTP_COOKIE=f"{name}={pending}")
        assert answer.status_code == 401, path
        assert answer.json()["type"] == "urn:gatehouse:problem:no-session", path
    for (
        path,
        form,
    ) in NEW_APP:  # django-multifactor #107: half signed in, it adds a factor of its own
        cookie = {"HTTP_COOKIE": f"{name}={pending}", "HTTP_GATEHOUSE_CLIENT_BROWSER": BROWSER}
        assert call("POST", path, form, **cookie).json()["type"] == EXPIRED, path
    assert finish(pending, app.code()).status_code == 200  # it was a good one


def test_a_pending_sign_in_is_no_session_in_redis(app: App, redis_client: Any) -> None:
    before = set(redis_client.keys("*:s:*")) | set(redis_client.keys("*:index"))
    secret = signin_token(login()).partition(".")[2]
    assert set(redis_client.keys("*:s:*")) | set(redis_client.keys("*:index")) == before
    [key] = redis_client.keys("*:p:*")
    assert 0 < redis_client.ttl(key) <= 600
    assert secret.encode() not in key + redis_client.get(key)


def test_a_session_token_is_no_pending_sign_in(user: User) -> None:
    token = session_token(login())
    assert finish(token, "123456").json()["type"] == EXPIRED


def test_a_code_works_once(app: App) -> None:
    """Rodauth CVE-2026-82470: also in another sign-in, within its time."""
    code = app.code()
    assert finish(signin_token(login()), code).status_code == 200
    again = finish(signin_token(login()), code)
    assert again.status_code == 401
    assert again.json()["type"] == "urn:gatehouse:problem:invalid-code"


def test_the_code_of_the_enrolment_signs_nobody_in(user: User) -> None:
    token = session_token(login())
    app = App(call("POST", "/v1/factors/totp", {}, token=token).json()["secret"])
    code = app.code()
    assert call("POST", "/v1/factors/totp/confirm", {"code": code}, token=token).status_code == 200
    assert finish(signin_token(login()), code).status_code == 401


def test_a_code_that_is_older_than_the_last_one_is_refused(app: App) -> None:
    assert finish(signin_token(login()), app.code()).status_code == 200
    assert finish(signin_token(login()), app.code(-1)).status_code == 401


def test_fifty_parallel_uses_of_one_code_make_one_session(app: App, user: User) -> None:
    """Fifty sign-ins wait; each sends the same code (Gitea's race, FreeIPA #4410)."""
    waiting = [signin_token(login()) for _ in range(50)]
    code, ahead = app.code(), iter(waiting)
    answers = at_once(lambda: finish(next(ahead), code).status_code, 50)
    assert answers.count(200) == 1
    assert services.backend.count(user.session_ref) == 1


def test_parallel_finishes_of_one_sign_in_make_one_session(app: App, user: User) -> None:
    """Each with a factor of its own that is right: the pending sign-in is used up once."""
    token = session_token(finish(signin_token(login()), app.code()))
    codes = recovery_codes(token)
    call("POST", "/v1/logout", {}, token=token)
    pending, left = signin_token(login()), iter(codes[:TRIES])
    answers = at_once(lambda: finish(pending, next(left), "recovery").status_code, TRIES)
    assert answers.count(200) == 1
    assert services.backend.count(user.session_ref) == 1


def test_fifty_parallel_finishes_of_one_sign_in_by_one_code_make_one_session(
    app: App, user: User
) -> None:
    """The one that is right makes the session, although the others use its tries up meanwhile."""
    pending, code = signin_token(login()), app.code()
    answers = at_once(lambda: finish(pending, code).status_code, 50)
    assert answers.count(200) == 1
    assert services.backend.count(user.session_ref) == 1


def test_five_wrong_codes_end_it(app: App) -> None:
    pending = signin_token(login())
    answers = [finish(pending, "000000") for _ in range(TRIES)]
    assert [answer.json()["tries_left"] for answer in answers] == [4, 3, 2, 1, 0]
    assert finish(pending, app.code()).json()["type"] == EXPIRED


def test_parallel_guesses_get_five_tries_together(app: App, redis_client: Any) -> None:
    pending = signin_token(login())
    answers = at_once(lambda: finish(pending, "000000").json()["type"], 20)
    assert answers.count("urn:gatehouse:problem:invalid-code") <= TRIES


def test_another_browser_cannot_finish_it(app: App) -> None:
    pending = signin_token(login())
    assert finish(pending, app.code(), browser=OTHER_BROWSER).json()["type"] == EXPIRED
    assert finish(pending, app.code(), browser="").json()["type"] == EXPIRED
    assert finish(pending, app.code()).status_code == 200


def test_without_its_browser_no_sign_in_begins(app: App) -> None:
    answer = login(browser="")
    assert answer.status_code == 400
    assert not answer.cookies


@pytest.mark.parametrize("end", ["epoch", "sign-out", "new sign-in", "deactivated", "ten minutes"])
def test_what_ends_it(app: App, user: User, redis_client: Any, end: str) -> None:
    pending = signin_token(login())
    match end:
        case "epoch":
            services.end_all_sessions(User.objects.get(pk=user.pk))
        case "sign-out":
            out = call("POST", "/v1/logout", {}, HTTP_COOKIE=f"__Host-signin={pending}")
            assert out.cookies["__Host-signin"].value == ""
        case "new sign-in":
            form = {"email": "ada@example.com", "password": PASSWORD}
            call(
                "POST", "/v1/login", form, HTTP_COOKIE=f"__Host-signin={pending}",
                HTTP_GATEHOUSE_CLIENT_BROWSER="a" * 64,
            )  # fmt: skip
        case "deactivated":
            User.objects.filter(pk=user.pk).update(is_active=False)
        case "ten minutes":
            [key] = redis_client.keys("*:p:*")
            redis_client.pexpire(key, 1)
            while redis_client.exists(key):
                pass
    answer = finish(pending, app.code())
    assert answer.json()["type"] == EXPIRED


def test_a_forged_pending_sign_in_is_none(app: App, redis_client: Any) -> None:
    """Whoever can write to Redis cannot skip the password: the content is sealed."""
    one, two = signin_token(login()), signin_token(login())
    keys = redis_client.keys("*:p:*")
    values = [redis_client.get(key) for key in keys]
    for key, value in zip(keys, reversed(values), strict=True):
        redis_client.set(key, value, keepttl=True)
    for pending in (one, two):
        assert finish(pending, app.code()).json()["type"] == EXPIRED


def test_the_store_makes_no_session_without_the_factor(app: App, user: User) -> None:
    """Below every door: whatever view forgot the second step gets an error."""
    user.refresh_from_db()
    with pytest.raises(FactorRequired):
        services.start_session(request_with(None), user, remember=False, methods=("pwd",))
    with pytest.raises(FactorRequired):
        django_login(request_with(None), user)
    assert services.backend.count(user.session_ref) == 0


def test_an_account_with_a_flag_and_no_device_opens_to_nothing(user: User) -> None:
    """better-auth #8627: required but none enrolled never passes."""
    User.objects.filter(pk=user.pk).update(has_second_factor=True)
    assert TotpDevice.objects.count() == 0
    pending = signin_token(login())
    assert finish(pending, "000000").status_code == 401
    assert finish(pending, "0" * 24, "recovery").status_code == 401


def test_an_enrolment_that_is_not_confirmed_asks_for_nothing(user: User) -> None:
    token = session_token(login())
    app = App(call("POST", "/v1/factors/totp", {}, token=token).json()["secret"])
    assert "session" in login().json()
    assert call(
        "POST", "/v1/reauthenticate", {"method": "totp", "code": app.code()}, token=token
    ).status_code == 401  # fmt: skip


def test_a_recovery_code_signs_in_once(app: App) -> None:
    """parse-server CVE-2026-31875."""
    token = session_token(finish(signin_token(login()), app.code()))
    codes = recovery_codes(token)
    answer = finish(signin_token(login()), codes[3].lower().replace("-", " "), "recovery")
    assert answer.json()["session"]["assurance"]["methods"] == ["pwd", "recovery"]
    assert finish(signin_token(login()), codes[3], "recovery").status_code == 401
    left = call("GET", "/v1/factors", token=session_token(answer)).json()["recovery_codes_left"]
    assert left == 9


def test_parallel_uses_of_one_recovery_code_make_one_session(app: App, user: User) -> None:
    token = session_token(finish(signin_token(login()), app.code()))
    code = recovery_codes(token)[0]
    waiting = iter([signin_token(login()) for _ in range(8)])
    answers = at_once(lambda: finish(next(waiting), code, "recovery").status_code, 8)
    assert answers.count(200) == 1


def test_a_recovery_code_of_another_user_is_wrong(app: App) -> None:
    """Punk-TOTP CVE-2026-78619."""
    make_user("bob@example.com")
    bobs, token = enrol(session_token(login(email="bob@example.com")))
    code = recovery_codes(token)[0]
    assert finish(signin_token(login()), code, "recovery").status_code == 401
    assert finish(signin_token(login()), bobs.code(), "totp").status_code == 401


def test_neither_secrets_nor_codes_are_in_the_database(user: User) -> None:
    token = session_token(login())
    secret = call("POST", "/v1/factors/totp", {}, token=token).json()["secret"]
    form = {"code": App(secret).code()}
    token = session_token(call("POST", "/v1/factors/totp/confirm", form, token=token))
    codes = recovery_codes(token)
    rows = str([list(model.objects.values_list()) for model in (TotpDevice, RecoveryCode)])
    sealed = bytes(TotpDevice.objects.get().sealed_secret)
    assert App(secret).secret not in sealed
    assert not any(code in rows or code.replace("-", "") in rows for code in [*codes, secret])


def test_a_sign_out_is_done_even_if_the_pending_sign_in_cannot_be_dropped(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    pending = signin_token(login())
    monkeypatch.setattr("auth_api.api.pending_sign_ins.drop_sign_in", no_store)
    answer = call("POST", "/v1/logout", {}, HTTP_COOKIE=f"__Host-signin={pending}")
    assert answer.status_code == 204
    assert answer.cookies["__Host-signin"].value == ""

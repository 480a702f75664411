"""Checks every cookie that this service sets or expires, with exactly its attributes.

Browsers ignore a `__Host-` cookie without Secure or Path=/, also if it is meant to expire one: then
a user who signed out would keep the old cookie.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from django.test import Client

from auth_api.options import options
from auth_api.sessions import services
from auth_api.users.models import User
from tests.auth_api.http import call, session_token
from tests.auth_api.sessions.conftest import PASSWORD, make_user
from tests.auth_api.users.admin_browser import AdminBrowser
from tests.clock import age_sessions
from tests.set_cookies import EPOCH, SetCookie, read_set_cookie

pytestmark = pytest.mark.django_db(transaction=True)

EMAIL = "ada@example.com"
LOGIN = {"email": EMAIL, "password": PASSWORD}
STRICT: dict[str, str | bool] = {
    "httponly": True, "path": "/", "samesite": "Strict", "secure": True,
}  # fmt: skip
EXPIRED = {**STRICT, "expires": EPOCH, "max-age": "0"}
YEAR = 31449600  # seconds: Django's, 52 weeks


@pytest.fixture(autouse=True)
def user() -> User:
    found: User = make_user(EMAIL)
    return found


def every_cookie_of(answer: Any) -> list[SetCookie]:
    return [read_set_cookie(morsel.OutputString()) for morsel in answer.cookies.values()]


def set_by(answer: Any) -> list[SetCookie]:
    """All cookies but the one that every sign-in sets (at the end of this file)."""
    return [cookie for cookie in every_cookie_of(answer) if cookie.name != "__Host-known-browser"]


def login(**changes: Any) -> Any:
    return call("POST", "/v1/login", {**LOGIN, **changes})


# -- the site's session ---------------------------------------------------------------------------


def reauthenticate(token: str) -> Any:
    return call("POST", "/v1/reauthenticate", {"password": PASSWORD}, token=token)


def change_password(token: str) -> Any:
    form = {"current_password": PASSWORD, "new_password": "nine green bottles on a wall"}
    return call("POST", "/v1/password/change", form, token=token)


def login_again(token: str) -> Any:
    return call("POST", "/v1/login", LOGIN, token=token)


def test_a_sign_in_sets_a_session_cookie_for_as_long_as_the_browser_runs() -> None:
    [cookie] = set_by(login())
    assert (cookie.name, len(cookie.value)) == ("__Host-session", 60)
    assert cookie.attributes == STRICT


def test_a_remembered_sign_in_sets_a_cookie_until_its_absolute_end() -> None:
    answer = login(remember=True)
    [cookie] = set_by(answer)
    max_age = cookie.attributes.pop("max-age")
    expires = cookie.attributes.pop("expires")
    assert cookie.attributes == STRICT
    assert options().remember_absolute - 60 < int(max_age) <= options().remember_absolute
    ends = datetime.fromisoformat(answer.json()["session"]["absolute_expires_at"])
    assert abs(parsedate_to_datetime(str(expires)) - ends) < timedelta(minutes=1)


@pytest.mark.parametrize("renew", [reauthenticate, change_password, login_again])
def test_whatever_renews_a_session_sets_the_same_cookie_anew(renew: Callable[[str], Any]) -> None:
    token = session_token(login())
    [cookie] = set_by(renew(token))
    assert (cookie.name, len(cookie.value)) == ("__Host-session", 60)
    assert cookie.value != token
    assert cookie.attributes == STRICT


def logout(token: str) -> Any:
    return call("POST", "/v1/logout", {}, token=token)


def end_all(token: str) -> Any:
    return call("POST", "/v1/sessions/revoke-all", {}, token=token)


def end_this_one(token: str) -> Any:
    handle = call("GET", "/v1/session", token=token).json()["session"]["handle"]
    return call("DELETE", f"/v1/sessions/{handle}", token=token)


def delete_account(token: str) -> Any:
    return call("DELETE", "/v1/account", {"email": User.objects.get().email}, token=token)


def ask_after_the_end(token: str) -> Any:
    services.end_all_sessions(User.objects.get())
    return call("GET", "/v1/session", token=token)


def ask_with_an_unknown_one(token: str) -> Any:
    return call("GET", "/v1/session", token="A" * 16 + "." + "B" * 43)


def ask_with_a_garbled_one(token: str) -> Any:
    return call("GET", "/v1/session", token="x")


@pytest.mark.parametrize("remember", [False, True])
@pytest.mark.parametrize(
    "end",
    [
        logout, end_all, end_this_one, delete_account, ask_after_the_end, ask_with_an_unknown_one,
        ask_with_a_garbled_one,
    ],
)  # fmt: skip
def test_whatever_ends_a_session_expires_its_cookie(
    end: Callable[[str], Any], remember: bool
) -> None:
    token = session_token(login(remember=remember))
    assert set_by(end(token)) == [SetCookie("__Host-session", '""', EXPIRED)]


def test_a_session_that_idled_out_has_its_cookie_expired(redis_client: Any) -> None:
    token = session_token(login())
    age_sessions(redis_client, options().session_idle + 1)
    answer = call("GET", "/v1/session", token=token)
    assert set_by(answer) == [SetCookie("__Host-session", '""', EXPIRED)]


def test_no_answer_about_a_living_session_touches_its_cookie() -> None:
    token = session_token(login())
    for path in ("/v1/session", "/v1/sessions", "/v1/security-events", "/v1/account/export"):
        assert set_by(call("GET", path, token=token)) == []


def test_a_sign_in_that_is_refused_leaves_the_browsers_session_and_cookie(settings: Any) -> None:
    settings.GATEHOUSE = replace(options(), session_limit=1, session_limit_policy="refuse")
    token = session_token(login())
    refused = login_again(token)
    assert (refused.status_code, set_by(refused)) == (403, [])
    assert call("GET", "/v1/session", token=token).status_code == 200


# -- the admin ------------------------------------------------------------------------------------


@pytest.fixture
def root() -> AdminBrowser:
    User.objects.create_superuser("root@example.com", PASSWORD)
    return AdminBrowser()


def by_name(answer: Any) -> dict[str, SetCookie]:
    return {cookie.name: cookie for cookie in set_by(answer)}


def test_the_admins_form_sets_its_csrf_cookie() -> None:
    [cookie] = set_by(Client().get("/admin/login/", secure=True))
    assert (cookie.name, len(cookie.value)) == ("__Host-admin-csrf", 32)
    expires = cookie.attributes.pop("expires")
    assert parsedate_to_datetime(str(expires))
    assert cookie.attributes == {
        "max-age": str(YEAR), "path": "/", "samesite": "Strict", "secure": True,
    }  # fmt: skip


def test_a_sign_in_at_the_admin_sets_its_session_cookie(root: AdminBrowser) -> None:
    found = by_name(root.login("root@example.com"))
    assert set(found) == {"__Host-admin-session", "__Host-admin-csrf"}
    assert len(found["__Host-admin-session"].value) == 60
    assert found["__Host-admin-session"].attributes == STRICT


def test_the_end_of_an_admins_session_expires_its_cookie(root: AdminBrowser) -> None:
    root.login("root@example.com")
    out = by_name(root.post("/admin/logout/", {}, page="/admin/"))
    assert out["__Host-admin-session"] == SetCookie("__Host-admin-session", '""', EXPIRED)
    root.login("root@example.com")
    services.end_all_sessions(User.objects.get(email="root@example.com"))
    dead = by_name(root.get("/admin/"))
    assert dead["__Host-admin-session"] == SetCookie("__Host-admin-session", '""', EXPIRED)


# -- the browser's, which a sign-in leaves there ------------------------------------------------------


def known_browser_of(answer: Any) -> list[SetCookie]:
    return [cookie for cookie in every_cookie_of(answer) if cookie.name == "__Host-known-browser"]


@pytest.mark.parametrize("remember", [False, True])
def test_a_sign_in_leaves_a_cookie_that_names_nobody(remember: bool) -> None:
    [cookie] = known_browser_of(login(remember=remember))
    assert parsedate_to_datetime(str(cookie.attributes.pop("expires")))
    assert cookie.attributes == {**STRICT, "max-age": str(90 * 86400)}
    assert re.fullmatch(r"[0-9]{5}\.[\w-]{22}\.[\w-]{22}", cookie.value)
    assert (
        login().cookies["__Host-known-browser"].value == cookie.value
    )  # tells no two browsers apart


def test_nothing_but_a_sign_in_sets_or_expires_it() -> None:
    token = session_token(login())
    ends: list[Callable[[str], Any]] = [reauthenticate, logout, ask_after_the_end]
    for act in ends:
        assert known_browser_of(act(token)) == []
    refused = call("POST", "/v1/login", {**LOGIN, "password": "x" * 20})
    assert (refused.status_code, known_browser_of(refused)) == (401, [])

"""The admin's door: its cookies by the strict rule, its password page, its events."""

from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from auth_api.sessions import services
from auth_api.sessions.exceptions import FactorRequired
from auth_api.tries import FREE_TRIES
from auth_api.users.models import User
from tests.auth_api.factors import App, enrol
from tests.auth_api.factors import login as site_login
from tests.auth_api.http import call, session_token
from tests.auth_api.sessions.conftest import PASSWORD, is_alive, request_with
from tests.auth_api.users.admin_browser import AdminBrowser

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = "/admin/password_change/"
NEW_PASSWORD = "another quiet harbour at dawn"


def change(browser: AdminBrowser, old: str, new: str) -> Any:
    return browser.post(PAGE, {"old_password": old, "new_password1": new, "new_password2": new})


def token_of(browser: AdminBrowser) -> str:
    value: str = browser.client.cookies["__Host-admin-session"].value
    return value


def test_staff_change_their_password_and_stay_signed_in_here_alone(root: AdminBrowser) -> None:
    elsewhere = AdminBrowser()
    elsewhere.login("root@example.com")
    before = token_of(root)
    assert change(root, PASSWORD, NEW_PASSWORD).status_code == 302
    assert root.get("/admin/").status_code == 200
    assert elsewhere.get("/admin/").status_code == 302
    assert token_of(root) != before
    assert not is_alive(before)
    assert User.objects.get().check_password(NEW_PASSWORD)


@pytest.mark.parametrize(
    ("old", "new"), [("not the password", NEW_PASSWORD), (PASSWORD, "passwordpassword")]
)
def test_a_wrong_or_weak_password_changes_nothing(root: AdminBrowser, old: str, new: str) -> None:
    assert change(root, old, new).status_code == 200
    assert User.objects.get().check_password(PASSWORD)
    assert root.get("/admin/").status_code == 200


def test_the_present_password_cannot_be_guessed_from_an_open_session(root: AdminBrowser) -> None:
    for _ in range(FREE_TRIES):
        change(root, "not the password", NEW_PASSWORD)
    assert b"Too many attempts" in change(root, PASSWORD, NEW_PASSWORD).content
    assert User.objects.get().check_password(PASSWORD)


def test_an_admin_session_knows_how_its_user_signed_in(root: AdminBrowser) -> None:
    body = {"email": "root@example.com", "password": PASSWORD}
    site = session_token(call("POST", "/v1/login", body))
    items = call("GET", "/v1/sessions", token=site).json()["items"]
    assert [item["assurance"]["methods"] for item in items] == [["pwd"], ["pwd"]]


LOOK_ALIKES = [
    "\u2000__Host-admin-csrf",
    "\xa0__Host-admin-csrf",
    "__host-admin-csrf",
    "__Host- admin-csrf",
    "__Host-\u200badmin-csrf",
    "__Host-\uff41dmin-csrf",
    '"__Host-admin-csrf"',
]


@pytest.mark.parametrize("name", ["__Host-admin-csrf", *LOOK_ALIKES])
def test_a_tossed_second_csrf_cookie_is_refused(name: str) -> None:
    tossed = f"__Host-admin-csrf={'e' * 32}; {name}={'e' * 32}"
    assert post_with(tossed).status_code == 400


@pytest.mark.parametrize("name", LOOK_ALIKES)
def test_a_look_alike_is_no_csrf_cookie(name: str) -> None:
    assert post_with(f"{name}={'e' * 32}").status_code == 403


def test_the_real_csrf_cookie_is_read() -> None:
    assert post_with(f"a=b; __Host-admin-csrf={'e' * 32}").status_code == 200


def test_quotes_are_a_part_of_the_csrf_cookie() -> None:
    assert post_with(f'__Host-admin-csrf="{"e" * 32}"').status_code == 403


@pytest.mark.parametrize("name", ["\uff3f_Host-admin-session", "__Host- admin-session"])
def test_a_look_alike_beside_the_session_cookie_is_refused(name: str) -> None:
    token = f"{'A' * 16}.{'s' * 43}"
    assert post_with(f"__Host-admin-session={token}; {name}={token}").status_code == 400


def post_with(cookies: str) -> Any:
    """A login form whose token is known to whoever tossed the cookie."""
    raw = cookies.encode().decode("latin-1")
    form = {"csrfmiddlewaretoken": "e" * 32, "username": "eve@example.com", "password": "x" * 20}
    return Client(enforce_csrf_checks=True).post(
        "/admin/login/", form, secure=True, HTTP_REFERER="https://testserver/", HTTP_COOKIE=raw
    )


def test_the_admin_without_redis_is_unknown_and_touches_no_cookie(
    root: AdminBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from redis.exceptions import ConnectionError as RedisConnectionError

    def gone(*_: object) -> None:
        raise RedisConnectionError("gone")

    with monkeypatch.context() as outage:
        outage.setattr("auth_api.sessions.redis.backend.ask", gone)
        answer = root.get("/admin/")
        assert answer.status_code == 503
        assert not answer.cookies
    assert root.get("/admin/").status_code == 200


def test_ending_a_user_from_outside_ends_the_admin_session_too(root: AdminBrowser) -> None:
    services.end_all_sessions(User.objects.get())
    assert root.get("/admin/").status_code == 302
    assert call("GET", "/healthz").status_code == 200


@pytest.fixture
def app(root: AdminBrowser) -> App:
    """The app of the superuser, who was in the admin before."""
    app, _ = enrol(session_token(site_login(email="root@example.com")))
    return app


def test_the_admin_asks_for_the_second_factor(root: AdminBrowser, app: App) -> None:
    browser = AdminBrowser()
    for wrong in ({}, {"code": "000000"}):
        answer = browser.login("root@example.com", **wrong)
        assert answer.status_code == 200
        assert browser.get("/admin/").status_code == 302
    code = app.code()
    assert browser.login("root@example.com", code=code).status_code == 302
    assert browser.get("/admin/").status_code == 200
    assert AdminBrowser().login("root@example.com", code=code).status_code == 200  # it is used


def test_a_session_of_the_admin_from_before_the_factor_ends(root: AdminBrowser, app: App) -> None:
    """A change of the policy or of the factors counts from the next request on."""
    assert root.get("/admin/").status_code == 302
    assert root.login("root@example.com", code=app.code()).status_code == 302


@pytest.mark.parametrize("asked", ["staff", "all"])
def test_staff_who_need_a_factor_and_have_none_do_not_pass(
    root: AdminBrowser, settings: Any, asked: str
) -> None:
    """Keycloak CVE-2026-133221: required, but none enrolled. Nor in the days of grace, which are the site's."""
    settings.GATEHOUSE = replace(settings.GATEHOUSE, second_factor=asked, second_factor_grace=86400)
    assert root.get("/admin/").status_code == 302
    answer = root.login("root@example.com")
    origin = settings.GATEHOUSE.public_origin.encode()
    assert b'<a href="' + origin + b'/login?next=/account/factors">' in answer.content
    assert root.get("/admin/").status_code == 302
    request = request_with(None)
    request.session.admin = True  # a view that forgot the check
    with pytest.raises(FactorRequired):
        services.start_session(request, User.objects.get(), remember=False, methods=("pwd",))
    assert "session" in site_login(email="root@example.com").json()


def test_the_admin_alone_forgets_failures_when_its_session_exists(
    root: AdminBrowser, app: App
) -> None:
    """The right password without the code clears nothing, and is no failure."""
    browser = AdminBrowser()
    for _ in range(FREE_TRIES - 1):
        browser.login("root@example.com", "not the password at all")
    for _ in range(FREE_TRIES):
        assert b"second-factor code" in browser.login("root@example.com").content
    browser.login("root@example.com", "not the password at all")
    assert b"Too many attempts" in browser.login("root@example.com").content

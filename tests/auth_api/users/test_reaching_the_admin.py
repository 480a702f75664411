"""The two ways to the admin: an SSH tunnel to localhost, and a TLS proxy that the settings know of."""

import dataclasses
import re
from typing import Any

import pytest
from django.test import Client

from auth_api.tries import FREE_TRIES
from auth_api.users.models import User
from tests.auth_api.http import call
from tests.auth_api.logs import logged, names_of
from tests.auth_api.sessions.conftest import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)
LOGIN = "/admin/login/?next=/admin/"
PROXY = {
    "HTTP_HOST": "admin.example",
    "HTTP_ORIGIN": "https://admin.example",
    "HTTP_X_FORWARDED_PROTO": "HTTPS",
}


@pytest.fixture(autouse=True)
def _root() -> None:
    User.objects.create_superuser("root@example.com", PASSWORD)


@pytest.fixture
def behind_tls(settings: Any) -> None:
    settings.GATEHOUSE = dataclasses.replace(settings.GATEHOUSE, proxy_hops=1)
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")


def sign_in(password: str = PASSWORD, **meta: str) -> Any:
    """Sign in at the admin's own form, as a browser that sends `meta`."""
    client = Client(enforce_csrf_checks=True, **meta)  # type: ignore[arg-type]
    page = client.get(LOGIN).content.decode()
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    token = found[1] if found else ""
    form = {"csrfmiddlewaretoken": token, "username": "root@example.com", "password": password}
    return client.post(LOGIN, form)


def test_by_a_tunnel_without_any_setting() -> None:
    answer = sign_in(HTTP_HOST="localhost:8001", HTTP_ORIGIN="http://localhost:8001")
    assert (answer.status_code, answer["Location"]) == (302, "/admin/")


def test_behind_tls_by_settings(behind_tls: None) -> None:
    answer = sign_in(**PROXY, HTTP_X_FORWARDED_FOR="203.0.113.50:17085")
    assert (answer.status_code, answer["Location"]) == (302, "/admin/")


def test_behind_tls_without_settings_the_log_says_what_to_set() -> None:
    with logged() as events:
        assert sign_in(**PROXY).status_code == 403
    (event,) = [event for event in events if event["event"] == "admin.form_refused"]
    assert "AUTH_API_PROXY_HOPS=1" in event["mend"]


def test_another_sites_form_is_refused_behind_tls_too(behind_tls: None) -> None:
    evil = {**PROXY, "HTTP_ORIGIN": "https://evil.example"}
    with logged() as events:
        assert sign_in(**evil, HTTP_X_FORWARDED_FOR="203.0.113.50").status_code == 403
    assert "admin.form_refused" not in names_of(events)


def test_each_of_the_staff_has_a_throttle_of_their_own(behind_tls: None) -> None:
    for _ in range(FREE_TRIES + 1):
        sign_in("not the password", **PROXY, HTTP_X_FORWARDED_FOR="203.0.113.50")
    held_up = sign_in(**PROXY, HTTP_X_FORWARDED_FOR="203.0.113.50")
    other = sign_in(**PROXY, HTTP_X_FORWARDED_FOR="203.0.113.51")
    assert (held_up.status_code, other.status_code) == (200, 302)


def test_no_header_speaks_for_a_client_that_no_proxy_reports() -> None:
    for number in range(FREE_TRIES + 1):
        sign_in("not the password", HTTP_X_FORWARDED_FOR=f"203.0.113.{number}")
    assert sign_in(HTTP_X_FORWARDED_FOR="203.0.113.99").status_code == 200


def test_calls_of_the_site_are_as_before_behind_tls(behind_tls: None) -> None:
    with logged() as events:
        call("GET", "/v1/session", HTTP_AUTHORIZATION="", HTTP_X_FORWARDED_FOR="6.6.6.6")
    assert [event["address"] for event in events] == ["127.0.0.1"]

"""Every answer of the private port carries the headers: its API, the whole admin, probes, errors."""

import dataclasses
import re
from typing import Any

import pytest
from django.test import Client

from auth_api.users.models import User
from gatehouse.security_headers import hsts
from tests.auth_api.http import call
from tests.auth_api.sessions.conftest import PASSWORD
from tests.auth_api.users.admin_browser import AdminBrowser
from tests.urls import METHODS, every_path

pytestmark = pytest.mark.django_db(transaction=True)
SAMPLES = {
    "handle": "h" * 16,
    "user_id": "00000000-0000-4000-8000-000000000000",
    "content_type_id": "1",
    "app_label": "users",
    "url": "nope",
}
ELSEWHERE = ("/nope", "/v1/nope", "/static/admin/css/base.css", "/static/nope", "/admin/nope/")


def _paths(object_id: str = "1") -> list[str]:
    from auth_api.urls import urlpatterns

    return [*every_path(urlpatterns, {**SAMPLES, "object_id": object_id}), *ELSEWHERE]


@pytest.mark.parametrize("method", METHODS)
def test_every_url_by_every_method_has_every_header(method: str) -> None:
    for path in _paths():
        check_headers(Client(raise_request_exception=False).generic(method, path), path)
        if path != "/v1/events" or method != "GET":  # a stream, tested where it is read
            check_headers(call(method, path), path)


def test_a_static_file_has_every_header(settings: Any) -> None:
    settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = True
    answer = Client().get("/static/admin/css/base.css")
    assert answer.status_code == 200
    check_headers(answer, "/static/admin/css/base.css")


@pytest.mark.parametrize("method", METHODS)
def test_every_page_of_the_admin_has_every_header(method: str) -> None:
    root = User.objects.create_superuser("root@example.com", PASSWORD)
    browser = AdminBrowser()
    assert browser.login("root@example.com").status_code == 302
    pages = 0
    for path in _paths(str(root.pk)):
        if path.startswith("/admin/") and not path.startswith("/admin/logout"):
            answer = browser.client.generic(method, path, secure=True)
            check_headers(answer, path)
            pages += answer.status_code == 200
    assert pages > 10 or method != "GET"


def test_https_in_production_promises_https(settings: Any) -> None:
    settings.GATEHOUSE = dataclasses.replace(settings.GATEHOUSE, hsts=hsts("subdomains", 63072000))
    for path in _paths():
        for secure in (True, False):
            answer = Client(raise_request_exception=False).get(path, secure=secure)
            assert ("Strict-Transport-Security" in answer.headers) == secure, path


def check_headers(answer: Any, path: str) -> None:
    headers = answer.headers
    directives = set(headers["Content-Security-Policy"].split("; "))
    assert {"default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"} <= directives, path
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Referrer-Policy"] in ("no-referrer", "same-origin")
    assert "camera=()" in headers["Permissions-Policy"]
    assert "Strict-Transport-Security" not in headers
    assert not [name for name in headers if name.startswith("Access-Control")]
    if (
        not answer.streaming
        and answer.content
        and headers.get("Content-Type", "").startswith("text/html")
    ):
        # Django's admin writes no nonces: its own files only, and nothing that runs in the page.
        assert "script-src 'self'" in directives, path
        page = answer.content.decode()
        scripts = re.findall(r"<script\b([^>]*)>", page)
        assert all("src=" in one or "application/json" in one for one in scripts), (path, scripts)
        assert not re.search(r"\son\w+=|javascript:", page), path
    else:
        assert "sandbox" in directives or path.startswith("/admin/"), path

"""A browser at the admin, and what staff do with it."""

import re
from html import unescape
from typing import Any

from django.test import Client

from auth_api.users.models import User
from tests.answers import keep
from tests.auth_api.sessions.conftest import PASSWORD

USERS = "/admin/users/user/"
REASON = "asked by phone"


class AdminBrowser:
    """A browser at the admin: one cookie jar, CSRF tokens out of the forms."""

    def __init__(self) -> None:
        self.client = Client(enforce_csrf_checks=True, HTTP_HOST="localhost")

    def get(self, path: str) -> Any:
        return _kept("GET", path, self.client.get(path, secure=True))

    def post(self, path: str, data: dict[str, Any], page: str | None = None) -> Any:
        html = self.get(page or path).content.decode()
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', html)
        token = found[1] if found else ""
        form = {"csrfmiddlewaretoken": token, **data}
        headers = {"HTTP_REFERER": "https://localhost/admin/"}
        answer = self.client.post(path, form, secure=True, **headers)  # type: ignore[arg-type]
        return _kept("POST", path, answer)

    def login(self, email: str, password: str = PASSWORD, **more: str) -> Any:
        form = {"username": email, "password": password, **more}
        return self.post("/admin/login/?next=/admin/", form)


def _kept(method: str, path: str, answer: Any) -> Any:
    keep(method, path, answer.status_code, b"" if answer.streaming else answer.content)
    return answer


def superuser_browser(email: str = "root@example.com") -> AdminBrowser:
    """Make a superuser, and return their browser, signed in to the admin."""
    User.objects.create_superuser(email, PASSWORD)
    browser = AdminBrowser()
    assert browser.login(email).status_code == 302
    return browser


def action(browser: AdminBrowser, name: str, *users: User, reason: str = REASON) -> Any:
    """Choose an action in the list, give a reason, and confirm; return the last answer."""
    chosen = {"action": name, "_selected_action": [str(user.pk) for user in users]}
    asked = browser.post(USERS, chosen)
    return confirm(browser, asked, USERS, reason) if asked.status_code == 200 else asked


def confirm(browser: AdminBrowser, page: Any, path: str, reason: str = REASON) -> Any:
    """Post the form of a page that asks for the reason, or goes on."""
    return browser.post(path, {**form_of(page), "reason": reason}, page=USERS)


def form_of(page: Any) -> dict[str, Any]:
    """The hidden fields of a run's page."""
    html = page.content.decode()
    fields = re.findall(r'<input type="hidden" name="(\w+)" (?:value="([^"]*)")?', html)
    values: dict[str, Any] = {}
    for name, value in fields:
        if name != "csrfmiddlewaretoken":
            values.setdefault(name, []).append(unescape(value))
    return values

"""Calls every route of the running public site, for tests that import neither project."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import requests

from tests.processes import ROOT, JsonClient, Stack

HANDLE = "h" * 16
MADE_UP = "A" * 16 + "." + "B" * 43
# Fields that a view or auth_api reads before it checks the session.
_NEW = {"current_password": "what it was", "new_password": "a lantern in the orchard"}
_FORM = {"end": "others", "email": "next@example.com", **_NEW}
_BODIES = {
    "/api/auth/reauthenticate": {"password": "what it was"},
    "/api/auth/email/change": {"email": "next@example.com"},
    "/api/auth/password/change": _NEW,
    "/api/auth/factors/totp/confirm": {"code": "123456"},
    "/api/auth/factors/recovery-codes/confirm": {"code": "AAAA"},
    f"/api/auth/factors/{HANDLE}": {"name": "Telephone"},
}
_LIST = f"""
import json, django
django.setup()
from frontend_site.security.endpoints import is_public, methods_of
from frontend_site.settings.upstreams import NAME
from frontend_site.urls import urlpatterns
from tests.urls import every_route
samples = {{"handle": {HANDLE!r}, rf"^api/(?!auth/)(?P<name>{{NAME}})/[\\s\\S]*\\Z": "/api/reports/x"}}
print(json.dumps([(path, is_public(view), methods_of(view)) for path, view in every_route(urlpatterns, samples)]))
"""


@dataclass(frozen=True)
class Route:
    """One route with one method that its view accepts."""

    method: str
    path: str
    public: bool

    @property
    def is_call(self) -> bool:
        return self.path.startswith("/api/")


@cache
def routes() -> tuple[Route, ...]:
    """Return every route and accepted method, from the URL resolver of frontend_site."""
    done = subprocess.run(
        [sys.executable, "-c", _LIST],
        cwd=ROOT,
        env={
            **os.environ,
            "GATEHOUSE_ENV": "test",
            "DJANGO_SETTINGS_MODULE": "frontend_site.settings",
        },
        check=True,
        text=True,
        capture_output=True,
    )
    return tuple(
        Route(method, path, public)
        for path, public, methods in json.loads(done.stdout)
        for method in methods
    )


def protected_routes() -> list[Route]:
    return [route for route in routes() if not route.public]


def headers_at(stack: Stack, session: str | None) -> dict[str, str]:
    """Return the headers of a script of this site with cookie `session`; they pass the CSRF gates."""
    client = JsonClient(stack.address)
    if session:
        client.cookies["__Host-session"] = session
    token = client.csrf()
    pairs = [("__Host-csrf", token)] + ([("__Host-session", session)] if session else [])
    return {
        "Cookie": "; ".join(f"{name}={value}" for name, value in pairs),
        "X-CSRF-Token": token,
        "Origin": stack.address,
        "Sec-Fetch-Site": "same-origin",
    }


def _body_of(route: Route) -> dict[str, str] | None:
    """Return what the route reads before it checks the session; nothing for what ends with a handle."""
    if route.method == "DELETE" and route.path.endswith(HANDLE):
        return None
    return _BODIES.get(route.path, {})


def call_each(
    stack: Stack, chosen: list[Route], headers: dict[str, str]
) -> Iterator[tuple[Route, requests.Response]]:
    """Yield each of the `chosen` routes with its answer."""
    with requests.Session() as session:
        for route in chosen:
            unsafe = route.method not in ("GET", "HEAD")
            answer = session.request(
                route.method,
                stack.address + route.path,
                headers=headers,
                data=_FORM if unsafe and not route.is_call else None,
                json=_body_of(route) if unsafe and route.is_call else None,
                allow_redirects=False,
                timeout=20,
                stream=True,
            )
            yield route, answer
            answer.close()

"""A walk over every route of the running public site, for tests that import neither project."""

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
# What a view or auth_api wants to read before it looks at the session.
_NEW = {"current_password": "what it was", "new_password": "a lantern in the orchard"}
_FORM = {"end": "others", "email": "next@example.com", **_NEW}
_BODIES = {
    "/api/auth/reauthenticate": {"password": "what it was"},
    "/api/auth/email/change": {"email": "next@example.com"},
    "/api/auth/password/change": _NEW,
}
_LIST = f"""
import json, django
django.setup()
from frontend_site.endpoints import is_public, methods_of
from frontend_site.upstreams.upstream import NAME
from frontend_site.urls import urlpatterns
from tests.urls import every_route
samples = {{"handle": {HANDLE!r}, rf"^api/(?!auth/)(?P<name>{{NAME}})/(?s:.*)\\Z": "/api/reports/x"}}
print(json.dumps([(path, is_public(view), methods_of(view)) for path, view in every_route(urlpatterns, samples)]))
"""


@dataclass(frozen=True)
class Door:
    """One route by one method that its view takes."""

    method: str
    path: str
    public: bool

    @property
    def is_call(self) -> bool:
        return self.path.startswith("/api/")


@cache
def doors() -> tuple[Door, ...]:
    """Every route by every method that it takes, out of the resolver of frontend_site."""
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
        Door(method, path, public)
        for path, public, methods in json.loads(done.stdout)
        for method in methods
    )


def protected_doors() -> list[Door]:
    return [door for door in doors() if not door.public]


def headers_at(stack: Stack, session: str | None) -> dict[str, str]:
    """What a script of this site sends with cookie `session`: it passes the CSRF gates."""
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


def knock(
    stack: Stack, chosen: list[Door], headers: dict[str, str]
) -> Iterator[tuple[Door, requests.Response]]:
    """Yield the answer at each of the `chosen` doors."""
    with requests.Session() as session:
        for door in chosen:
            unsafe = door.method not in ("GET", "HEAD")
            answer = session.request(
                door.method,
                stack.address + door.path,
                headers=headers,
                data=_FORM if unsafe and not door.is_call else None,
                json=_BODIES.get(door.path, {}) if unsafe and door.is_call else None,
                allow_redirects=False,
                timeout=20,
                stream=True,
            )
            yield door, answer
            answer.close()

"""`manage.py check --deploy` of both projects: a sound set-up passes, each weak one is named."""

import os
import secrets
import subprocess
import sys

import pytest

from tests.processes import ROOT

AUTH_API, SITE = "auth_api.settings", "frontend_site.settings"


def sound() -> dict[str, str]:
    """The environment of a sound deployment (docs/how-to/operations.md)."""
    keys = ("SERVICE", "SESSION", "CSRF", "IDENTITY", "FACTOR")
    return {
        "PATH": os.environ["PATH"],
        "GATEHOUSE_ENV": "production",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "FRONTEND_SECRET_KEY": secrets.token_urlsafe(48),
        **{f"GATEHOUSE_{name}_KEYS": f"k1:{secrets.token_urlsafe(48)}" for name in keys},
        "GATEHOUSE_PROXY_HOPS": "1",
        "GATEHOUSE_PUBLIC_ORIGIN": "https://gatehouse.example",
        "ALLOWED_HOSTS": "gatehouse.example",
        "FRONTEND_BIND": "127.0.0.1",
        "AUTH_API_URL": "http://127.0.0.1:8001",
        "REDIS_URL": "redis://127.0.0.1:6379",
        "EMAIL_URL": "smtp://127.0.0.1:25",
    }


def check(project: str, **changes: str) -> tuple[int, str]:
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    done = subprocess.run(
        [*command, "--settings", project],
        cwd=ROOT,
        env={**sound(), **changes},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("project", [AUTH_API, SITE])
def test_a_sound_set_up_passes(project: str) -> None:
    status, said = check(project)
    assert status == 0
    assert said.startswith("System check identified no issues")


WEAK = "k1:" + "x" * 48


@pytest.mark.parametrize(
    ("project", "changes", "named"),
    [
        (AUTH_API, {"GATEHOUSE_SESSION_KEYS": WEAK}, "auth_api.E004"),
        (AUTH_API, {"GATEHOUSE_SERVICE_KEYS": WEAK}, "auth_api.E004"),
        (AUTH_API, {"GATEHOUSE_SESSION_KEYS": ""}, "GATEHOUSE_SESSION_KEYS"),
        (AUTH_API, {"SECRET_KEY": ""}, "SECRET_KEY"),
        (AUTH_API, {"AUTH_API_BIND": "0.0.0.0"}, "auth_api.E007"),  # noqa: S104 - what is refused
        (AUTH_API, {"AUTH_API_BIND": "93.184.215.14"}, "auth_api.E007"),
        (AUTH_API, {"AUTH_API_HOSTS": "*"}, "auth_api.E005"),
        (AUTH_API, {"GATEHOUSE_SESSION_IDLE": "999999"}, "auth_api.E003"),
        (AUTH_API, {"GATEHOUSE_PUBLIC_ORIGIN": "http://gatehouse.example"}, "auth_api.E006"),
        (SITE, {"GATEHOUSE_CSRF_KEYS": WEAK}, "frontend_site.E003"),
        (SITE, {"GATEHOUSE_CSRF_KEYS": ""}, "GATEHOUSE_CSRF_KEYS"),
        (SITE, {"ALLOWED_HOSTS": "*"}, "frontend_site.E002"),
        (SITE, {"ALLOWED_HOSTS": ".gatehouse.example"}, "frontend_site.E002"),
        (SITE, {"GATEHOUSE_PUBLIC_ORIGIN": "http://gatehouse.example"}, "frontend_site.E004"),
        (SITE, {"GATEHOUSE_PROXY_HOPS": "-1"}, "GATEHOUSE_PROXY_HOPS"),
        (SITE, {"GATEHOUSE_PROXY_HOPS": "9"}, "from 0 to 5"),
        (SITE, {"GATEHOUSE_PROXY_HOPS": "0"}, "frontend_site.W007"),
        (SITE, {"FRONTEND_BIND": "0.0.0.0"}, "frontend_site.W008"),  # noqa: S104
        (SITE, {"GATEHOUSE_UPSTREAMS": "auth=http://10.0.0.7"}, "GATEHOUSE_UPSTREAMS"),
    ],
)
def test_a_weak_one_is_named(project: str, changes: dict[str, str], named: str) -> None:
    status, said = check(project, **changes)
    assert status != 0
    assert named in said
    assert "Traceback" not in said

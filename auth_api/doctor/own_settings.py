"""The settings of this process: Django's system checks and ours, secrets, and the packages it runs on."""

import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from platform import python_version

from django.conf import settings
from django.core.checks import ERROR, run_checks

from auth_api.checks import weak_secrets
from auth_api.doctor.findings import Finding, fail, ok, warn
from auth_api.options import options

_PIN = re.compile(r"([A-Za-z0-9_.-]+)(?:\[[^\]]*\])?==([^\s;]+)")
_MOST_SHOWN = 5
_ELSEWHERE = frozenset({"auth_api.E004", "auth_api.E010"})  # `secrets` and `password-hash` say more
_KEYS = (
    "Replace it: `manage.py make_keys --only NAME` (docs/how-to/operations.md, Changing keys). "
    "Every secret needs 32 or more characters from a random source."
)
_PACKAGES = "Run `pip install -r requirements.txt` in the environment of both services."


def environment() -> Iterator[Finding]:
    """Yield whether this is production."""
    found = f"GATEHOUSE_ENV is {options().environment}"
    if options().environment == "production":
        yield ok("environment", found)
    else:
        mend = "Set GATEHOUSE_ENV=production for real users: other environments create throw-away secrets."
        yield warn("environment", found, mend)


def system_checks() -> Iterator[Finding]:
    """Yield what `manage.py check --deploy` finds."""
    found = run_checks(include_deployment_checks=True)
    messages = [each for each in found if not each.is_silenced() and each.id not in _ELSEWHERE]
    for message in messages:
        judge = fail if message.level >= ERROR else warn
        yield judge(
            "settings", f"{message.msg} ({message.id})", message.hint or _documented(message.id)
        )
    if not messages:
        yield ok("settings", "`manage.py check --deploy` finds nothing")


def secrets() -> Iterator[Finding]:
    """Yield each secret of auth_api that can be guessed, in any environment."""
    found = weak_secrets()
    for text in found:
        yield fail("secrets", text.rstrip("."), _KEYS)
    if not found:
        yield ok("secrets", "all secrets of auth_api are long and random")


def packages() -> Iterator[Finding]:
    """Yield the packages whose version is not the one in requirements.txt."""
    path = settings.BASE_DIR / "requirements.txt"
    pins = dict(_PIN.findall(path.read_text())) if path.exists() else {}
    other = [
        f"{name} {_installed(name)} instead of {pin}"
        for name, pin in pins.items()
        if _installed(name) != pin
    ]
    if other:
        more = f" and {len(other) - _MOST_SHOWN} more" if len(other) > _MOST_SHOWN else ""
        yield warn("packages", ", ".join(other[:_MOST_SHOWN]) + more, _PACKAGES)
    else:
        yield ok(
            "packages", f"Python {python_version()}; {len(pins)} packages as in requirements.txt"
        )


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "(missing)"


def _documented(check_id: str | None) -> str:
    return f"Look up {check_id} in Django's list of system checks."

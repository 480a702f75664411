"""The settings of frontend_site, its clock, and its way to auth_api, as it reports them."""

from collections.abc import Iterator, Sequence
from platform import python_version

import django

from auth_api.doctor.clocks import judge_clock
from auth_api.doctor.door import Door
from auth_api.doctor.findings import Finding, fail, ok, warn
from auth_api.doctor.site_report import Seen
from auth_api.options import options
from gatehouse.service_token import CLOCK_SKEW

_UNREACHABLE = {
    "auth_api": (
        "frontend_site cannot reach auth_api",
        "Start auth_api. AUTH_API_URL must lead to AUTH_API_BIND and AUTH_API_PORT, and AUTH_API_HOSTS must contain its host.",
    ),
    "service-token": (
        "auth_api refuses the service tokens of frontend_site",
        "Give both services the same GATEHOUSE_SERVICE_KEYS, and synchronize their clocks.",
    ),
}
_SECRETS = (
    "Replace it: `manage.py make_keys --only NAME` (docs/how-to/operations.md, Changing keys)."
)


def site(_: Door, plain: Seen, __: Seen) -> Iterator[Finding]:
    """Yield what frontend_site says about itself."""
    report = plain.report
    yield judge_clock(
        "site-clock", "the clock of frontend_site", plain.seconds_ahead, plain.uncertainty,
        effect=f"above {CLOCK_SKEW} seconds, auth_api refuses its calls",
    )  # fmt: skip
    yield from _way_to_auth_api(report.missing)
    yield from (fail("site-secrets", text.rstrip("."), _SECRETS) for text in report.weak_secrets)
    if not report.weak_secrets:
        yield ok("site-secrets", "all secrets of frontend_site are long and random")
    yield from _settings(plain)


def _way_to_auth_api(missing: Sequence[str]) -> Iterator[Finding]:
    ours = [name for name in missing if name in _UNREACHABLE]
    yield from (fail("site-to-auth_api", *_UNREACHABLE[name]) for name in ours)
    others = [name for name in missing if name not in (*ours, "site-database")]
    if others:
        found = f"auth_api reports that it lacks {', '.join(others)}"
        yield fail("site-to-auth_api", found, "Look at the findings about Redis and the database.")
    if not ours and not others:
        yield ok("site-to-auth_api", "frontend_site reaches auth_api, which is ready")


def _settings(plain: Seen) -> Iterator[Finding]:
    check, report = "site-settings", plain.report
    found = [warn(check, each["found"].rstrip("."), each["mend"]) for each in report.warnings]
    for name, theirs, ours in (
        ("GATEHOUSE_PUBLIC_ORIGIN", report.public_origin, options().public_origin),
        ("GATEHOUSE_ENV", report.environment, options().environment),
    ):
        if theirs != ours:
            text = f"{name} of frontend_site is {theirs}, but that of auth_api is {ours}"
            found.append(fail(check, text, f"Set {name} to the same value for both services."))
    if report.django != django.get_version():
        text = f"frontend_site runs Django {report.django} on Python {report.python}, auth_api {django.get_version()} on {python_version()}"
        found.append(
            warn(
                check,
                text,
                "Install the same release, and its requirements.txt, for both services.",
            )
        )
    yield from found or [
        ok(check, f"the same as those of auth_api; Python {report.python}, Django {report.django}")
    ]

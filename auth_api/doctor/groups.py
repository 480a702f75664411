"""The groups that variables name. If no group has a name, a policy applies to nobody and a rule lets nobody in, and nothing else shows it."""

from collections.abc import Collection, Iterator

from django.db import Error

from auth_api.doctor.door import Door
from auth_api.doctor.findings import Finding, ok, skipped, warn
from auth_api.doctor.site_report import Seen
from auth_api.options import options
from auth_api.users.factor_policy import missing_groups

_MEND = "Correct the name (upper and lower case differ), or create the group in the admin."


def policy_groups() -> Iterator[Finding]:
    """Yield the groups of GATEHOUSE_SECOND_FACTOR_GROUPS that do not exist."""
    effect = "nobody needs a second factor because of it"
    yield from _judge("GATEHOUSE_SECOND_FACTOR_GROUPS", options().second_factor_groups, effect)


def rule_groups(_: Door, plain: Seen, __: Seen) -> Iterator[Finding]:
    """Yield the groups of GATEHOUSE_ACCESS_RULES that do not exist."""
    yield from _judge("GATEHOUSE_ACCESS_RULES", plain.report.groups, "it lets nobody in")


def _judge(variable: str, names: Collection[str], effect: str) -> Iterator[Finding]:
    try:
        missing = missing_groups(names)
    except Error:
        yield skipped("groups", "the database does not answer, or is not migrated")
        return
    for name in missing:
        yield warn(
            "groups", f"{variable} names {name!r}, but there is no such group: {effect}", _MEND
        )
    if not missing:
        yield ok("groups", f"all groups that {variable} names exist ({len(names)})")

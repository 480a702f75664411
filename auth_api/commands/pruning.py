"""Prunes for `prune` and `prune_security_log`: checks the age, asks, counts or deletes."""

from datetime import timedelta

from django.core.management.base import CommandParser

from auth_api.commands.arguments import require_range
from auth_api.commands.base import Report
from auth_api.commands.terminal import confirm
from auth_api.mail import outbox
from auth_api.options import options
from auth_api.security_log.events import old_events, prune_events
from auth_api.users.acts import old_acts, prune_acts
from auth_api.users.factors.removal import old_removed, prune_removed
from auth_api.users.flows.deletion import due_accounts, erase_due_accounts
from auth_api.users.invitations import expired_invitations, prune_invitations
from auth_api.users.unconfirmed import prune_unconfirmed, unconfirmed_accounts

DAY = 86400  # seconds
_LONGEST = 3650  # days


def add_dry_run(parser: CommandParser) -> None:
    """Add `--dry-run`."""
    parser.add_argument(
        "--dry-run", action="store_true", help="show what would be deleted, and delete nothing"
    )


def log_age(days: int | None, *, sure: bool) -> timedelta:
    """Return the age at which events are deleted: `days`, or as configured. Raises CommandFailed.

    Asks below the configured age unless `sure`. The other `..._age` functions do the same.
    """
    return _age("events", days, options().security_log_keep, sure=sure)


def unconfirmed_age(days: int | None, *, sure: bool) -> timedelta:
    """As `log_age`, for accounts whose address is not confirmed."""
    return _age("unconfirmed accounts", days, options().unconfirmed_keep, sure=sure)


def mail_age(days: int | None, *, sure: bool) -> timedelta:
    """As `log_age`, for mails that could not be sent."""
    return _age("failed mails", days, int(outbox.KEPT_FOR.total_seconds()), sure=sure)


def prune_log(keep: timedelta, *, dry_run: bool) -> Report:
    """Delete old events and acts, expired invitations, and apps that were removed long ago."""
    if dry_run:
        old = (old_events(keep), old_acts(), expired_invitations(), old_removed())
        found = [rows.count() for rows in old]
    else:
        found = [prune_events(keep), prune_acts(), prune_invitations(), prune_removed()]
    names = ("events", "account changes", "invitations", "removed apps")
    counts = dict(zip(names, found, strict=True))
    return _report(counts, dry_run)


def prune_accounts(keep: timedelta, *, dry_run: bool) -> Report:
    """Delete accounts whose address was not confirmed for `keep`."""
    found = unconfirmed_accounts(keep).count() if dry_run else prune_unconfirmed(keep)
    return _report({"unconfirmed accounts": found}, dry_run)


def delete_due_accounts(*, dry_run: bool) -> Report:
    """Delete the accounts whose deletion is due."""
    found = due_accounts().count() if dry_run else erase_due_accounts()
    return _report({"accounts whose deletion was due": found}, dry_run)


def prune_failed_mails(keep: timedelta, *, dry_run: bool) -> Report:
    """Delete mails that could not be sent."""
    found = outbox.old_mails(keep).count() if dry_run else outbox.prune_mails(keep)
    return _report({"failed mails": found}, dry_run)


def together(*reports: Report) -> Report:
    """Return one report of several."""
    values = {name: value for report in reports for name, value in report.values.items()}
    return Report("\n".join(report.text for report in reports), values)


def _age(what: str, days: int | None, configured: int, *, sure: bool) -> timedelta:
    if days is None:
        return timedelta(seconds=configured)
    require_range("The number of days", days, 0, _LONGEST)
    if days * DAY < configured:
        usual = configured // DAY
        question = f"This deletes {what} older than {days} days, but {usual} days are configured."
        confirm(f"{question} Delete them?", yes=sure)
    return timedelta(days=days)


def _report(counts: dict[str, int], dry_run: bool) -> Report:
    named = [f"{count} {name}" for name, count in counts.items()]
    words = " and ".join(filter(None, [", ".join(named[:-1]), named[-1]]))
    text = f"{words} would be deleted." if dry_run else f"{words} deleted."
    values = {name.replace(" ", "_"): count for name, count in counts.items()}
    return Report(text, {**values, "dry_run": dry_run})

"""Deletes old security events and acts."""

from typing import Any

from django.core.management.base import CommandParser

from auth_api.commands.arguments import add_yes
from auth_api.commands.base import OperatorCommand, Report
from auth_api.commands.pruning import DAY, add_dry_run, log_age, prune_log
from auth_api.options import options


class Command(OperatorCommand):
    help = (
        "Deletes events that are older than GATEHOUSE_SECURITY_LOG_KEEP, former addresses and names "
        "that can no longer be restored, and expired invitations. Run it daily."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        days = options().security_log_keep // DAY
        parser.add_argument(
            "--days", type=int, help=f"how many days of events to keep (default: {days})"
        )
        add_dry_run(parser)
        add_yes(parser)

    def perform(self, options: dict[str, Any]) -> Report:
        dry_run = options["dry_run"]
        keep = log_age(options["days"], sure=dry_run or options["yes"])
        return prune_log(keep, dry_run=dry_run)

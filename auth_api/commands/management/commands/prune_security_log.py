"""Deletes old security events and acts."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from auth_api.options import options
from auth_api.security_log.events import prune_events
from auth_api.users.acts import prune_acts
from auth_api.users.invitations import prune_invitations

_DAY = 86400


class Command(BaseCommand):
    help = (
        "Deletes events that are older than GATEHOUSE_SECURITY_LOG_KEEP, former addresses and names "
        "that can no longer be restored, and expired invitations. Run it daily."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        days = options().security_log_keep // _DAY
        parser.add_argument(
            "--days", type=int, help=f"how many days of events to keep (default: {days})"
        )

    def handle(self, *args: object, **arguments: Any) -> None:
        days = arguments["days"]
        pruned = prune_events(None if days is None else timedelta(days=max(days, 0)))
        acts, invitations = prune_acts(), prune_invitations()
        self.stdout.write(
            f"{pruned} events, {acts} account changes and {invitations} invitations deleted."
        )

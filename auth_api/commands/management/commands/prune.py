"""Deletes everything that is past its retention time."""

from typing import Any

from django.core.management.base import CommandParser

from auth_api.commands.arguments import add_yes
from auth_api.commands.base import OperatorCommand, Report
from auth_api.commands.pruning import (
    add_dry_run,
    delete_due_accounts,
    log_age,
    mail_age,
    prune_accounts,
    prune_failed_mails,
    prune_log,
    together,
    unconfirmed_age,
)


class Command(OperatorCommand):
    help = (
        "Deletes what prune_security_log deletes, accounts whose address was never confirmed, "
        "accounts whose deletion is due, and mails that could not "
        "be sent. Run it daily."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--log-days", type=int, help="how many days of events to keep")
        parser.add_argument(
            "--unconfirmed-days",
            type=int,
            help="how many days to keep unconfirmed accounts (default: GATEHOUSE_UNCONFIRMED_KEEP)",
        )
        parser.add_argument(
            "--mail-days", type=int, help="how many days to keep mails that could not be sent"
        )
        add_dry_run(parser)
        add_yes(parser)

    def perform(self, options: dict[str, Any]) -> Report:
        dry_run = options["dry_run"]
        sure = dry_run or options["yes"]
        # Every age is checked before anything is deleted.
        log = log_age(options["log_days"], sure=sure)
        accounts = unconfirmed_age(options["unconfirmed_days"], sure=sure)
        mails = mail_age(options["mail_days"], sure=sure)
        return together(
            prune_log(log, dry_run=dry_run),
            prune_accounts(accounts, dry_run=dry_run),
            delete_due_accounts(dry_run=dry_run),
            prune_failed_mails(mails, dry_run=dry_run),
        )

"""Imports users from another system."""

import csv
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.db import IntegrityError

from auth_api.commands.base import OperatorCommand, Report, refused
from auth_api.commands.user_files import read_rows
from auth_api.users.importing import Plan, create_users, plan_import

_SHOWN = 20  # faults


class Command(OperatorCommand):
    help = "Creates an account for each user in a CSV file or a file of JSON lines, with the user's password hash."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", type=Path, help="the users: NAME.csv, or JSON lines")
        parser.add_argument("--ids", type=Path, help="write old and new ids to this CSV file")
        parser.add_argument("--dry-run", action="store_true", help="check the file only")

    def perform(self, options: dict[str, Any]) -> Report:
        plan = plan_import(read_rows(options["file"]))
        if plan.faults:
            raise refused(_faults_of(plan), faults=plan.faults)
        dry_run, ids = options["dry_run"], options["ids"]
        if not dry_run:
            _import(plan, ids)
        values = {
            "dry_run": dry_run,
            "created": len(plan.new),
            "there": len(plan.ids) - len(plan.new),
        }
        verb = "would be created" if dry_run else "were created"
        where = f" The ids are in {ids}." if ids and not dry_run else ""
        text = f"{values['created']} accounts {verb}; {values['there']} addresses already have an account.{where}"
        return Report(text, values)


def _import(plan: Plan, ids: Path | None) -> None:
    """Create the accounts, unless the list of ids cannot be opened for writing. Running it again completes both."""
    try:
        with ids.open("w", encoding="utf-8", newline="") if ids else nullcontext() as file:
            create_users(plan.new)
            if file:
                csv.writer(file).writerows([("old_id", "id", "email"), *plan.ids])
    except IntegrityError:
        raise refused(
            "During the import, somebody created an account with one of the addresses. Run the command again."
        ) from None


def _faults_of(plan: Plan) -> str:
    shown = plan.faults[:_SHOWN]
    more = len(plan.faults) - len(shown)
    rest = [f"and {more} more"] if more else []
    return "\n".join(["Nothing was imported. Correct the file, then try again:", *shown, *rest])

"""Ends sessions from the command line."""

from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser

from auth_api.commands.arguments import user_of
from auth_api.commands.base import OperatorCommand, Report
from auth_api.commands.ending import end_for_everybody, end_for_user
from auth_api.commands.failures import WRONG_ARGUMENTS, CommandFailed


class Command(OperatorCommand):
    help = "Ends all sessions of a user, one session of a user (--handle), or the sessions of all users (--all)."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        who = parser.add_mutually_exclusive_group(required=True)
        who.add_argument("--email", help="whose sessions to end")
        who.add_argument("--all", action="store_true", help="end the sessions of all users")
        parser.add_argument(
            "--handle",
            help="end only this session of the user; write --handle=H, as H may start with -",
        )
        parser.add_argument(
            "--after",
            type=UUID,
            metavar="ID",
            help="with --all: continue after this user; the run that stopped printed the ID",
        )

    def perform(self, options: dict[str, Any]) -> Report:
        if options["all"]:
            if options["handle"] is not None:
                raise CommandFailed("--handle needs --email, not --all.", WRONG_ARGUMENTS)
            return end_for_everybody(options["after"], self.stderr)
        if options["after"] is not None:
            raise CommandFailed("--after needs --all.", WRONG_ARGUMENTS)
        return end_for_user(user_of(options["email"]), options["handle"])

"""Makes a user enrol a second factor anew, for one who has lost the devices and the recovery codes."""

from typing import Any

from django.core.management.base import CommandParser

from auth_api.commands.arguments import user_of
from auth_api.commands.base import OperatorCommand, Report
from auth_api.users.factors.removal import require_enrolment


class Command(OperatorCommand):
    help = (
        "Removes every second factor of a user who has lost them, ends the user's sessions, and tells the "
        "user by mail. The next sign-in may only set up an authenticator app. First make sure that the request "
        "comes from the owner."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--email", required=True, help="the user")
        parser.add_argument("--reason", required=True, help="for the user's security log")

    def perform(self, options: dict[str, Any]) -> Report:
        removed = require_enrolment(user_of(options["email"]).pk, reason=options["reason"])
        text = f"{removed} authenticator apps removed. The next sign-in will ask for a new one."
        return Report(text, {"apps": removed})

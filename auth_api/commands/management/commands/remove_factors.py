"""Removes the second factors of an account whose owner has lost them all."""

from typing import Any

from django.core.management.base import CommandParser

from auth_api.commands.arguments import user_of
from auth_api.commands.base import OperatorCommand, Report
from auth_api.users.factors.enrolment import remove_all


class Command(OperatorCommand):
    help = (
        "Removes every second factor of a user who has lost them, ends the user's sessions, and tells the "
        "user by mail. First make sure that the request comes from the owner."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--email", required=True, help="the user")
        parser.add_argument("--reason", required=True, help="for the user's security log")

    def perform(self, options: dict[str, Any]) -> Report:
        removed = remove_all(user_of(options["email"]).pk, reason=options["reason"])
        return Report(f"{removed} authenticator apps removed.", {"apps": removed})

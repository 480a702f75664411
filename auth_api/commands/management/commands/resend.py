"""Mails the confirmation link of a registration again."""

from typing import Any

from django.core.management.base import CommandParser

from auth_api.commands.arguments import user_of
from auth_api.commands.base import OperatorCommand, Report, refused
from auth_api.users.unconfirmed import resend_confirmations, why_no_confirmation


class Command(OperatorCommand):
    help = "Mails the confirmation link again to a user who has not confirmed the address."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--email", required=True, help="the address to confirm")

    def perform(self, options: dict[str, Any]) -> Report:
        user = user_of(options["email"])
        if why := why_no_confirmation(user):
            raise refused(why)
        resend_confirmations([user])
        return Report(f"{user.email} will get a new link.", {"email": user.email})

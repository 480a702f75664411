"""Lets a throttled user, or network address, try again at once."""

from ipaddress import ip_address
from typing import Any

from django.core.management.base import CommandParser

from auth_api.commands.arguments import user_of
from auth_api.commands.base import OperatorCommand, Report
from auth_api.commands.failures import WRONG_ARGUMENTS, CommandFailed
from auth_api.throttling import forget_client
from auth_api.users.unlocking import unlock_users


class Command(OperatorCommand):
    help = "Clears the counters that delay sign-ins and mails for a user (--email) or a network address (--address)."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--email", help="the user to unlock")
        parser.add_argument("--address", help="the network address (IPv4 or IPv6) to unlock")

    def perform(self, options: dict[str, Any]) -> Report:
        email, address = options["email"], options["address"]
        if not (email or address):
            raise CommandFailed("Give --email, --address, or both.", WRONG_ARGUMENTS)
        if address and not _is_address(address):
            raise CommandFailed("--address must be an IPv4 or IPv6 address.", WRONG_ARGUMENTS)
        cleared = unlock_users([user_of(email)], address or "", search=True) if email else 0
        cleared += forget_client(address) if address else 0
        return Report(f"{cleared} counters cleared.", {"counters": cleared})


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True

"""Mails an invitation, or revokes it."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from auth_api.users.flows.invitation import invite, revoke
from auth_api.users.groups import groups_named
from auth_api.users.invitations import Invitation


class Command(BaseCommand):
    help = "Mails an invitation to create an account for this address. An earlier link becomes invalid."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", required=True)
        parser.add_argument(
            "--group",
            action="append",
            default=[],
            help="add the account to this group (may be repeated)",
        )
        parser.add_argument("--revoke", action="store_true", help="revoke the invitation instead")

    def handle(self, *args: object, **options: Any) -> None:
        if options["revoke"]:
            self._revoke(options["email"])
        else:
            self._invite(options["email"], options["group"])

    def _invite(self, email: str, names: list[str]) -> None:
        try:
            invitation = invite(email=email, groups=groups_named(names))
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        until = f"{invitation.expires_at:%Y-%m-%d %H:%M} UTC"
        self.stdout.write(f"{invitation.email} will get a link that is valid until {until}.")

    def _revoke(self, email: str) -> None:
        invitation = Invitation.objects.filter(email=email).first()
        if invitation is None:
            raise CommandError(f"{email} has no invitation.")
        revoke(invitation, None)
        self.stdout.write(f"The invitation for {invitation.email} has been revoked.")

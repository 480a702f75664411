"""Mails an invitation, or revokes it."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandParser

from auth_api.commands.arguments import add_group
from auth_api.commands.base import OperatorCommand, Report, refused
from auth_api.users.flows.invitation import invite, revoke
from auth_api.users.groups import groups_named
from auth_api.users.invitations import Invitation


class Command(OperatorCommand):
    help = "Mails an invitation to create an account for this address. An earlier link becomes invalid."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--email", required=True, help="the address to invite")
        add_group(parser)
        parser.add_argument("--revoke", action="store_true", help="revoke the invitation instead")

    def perform(self, options: dict[str, Any]) -> Report:
        if options["revoke"]:
            return self._revoke(options["email"])
        return self._invite(options["email"], options["group"])

    def _invite(self, email: str, names: list[str]) -> Report:
        try:
            invitation = invite(email=email, groups=groups_named(names))
        except ValidationError as error:
            raise refused(" ".join(error.messages)) from None
        until = f"{invitation.expires_at:%Y-%m-%d %H:%M} UTC"
        text = f"{invitation.email} will get a link that is valid until {until}."
        return Report(text, {"email": invitation.email, "expires_at": invitation.expires_at})

    def _revoke(self, email: str) -> Report:
        invitation = Invitation.objects.filter(email=email).first()
        if invitation is None:
            raise refused(f"{email} has no invitation.")
        revoke(invitation, None)
        text = f"The invitation for {invitation.email} has been revoked."
        return Report(text, {"email": invitation.email})

"""Creates a verified account."""

from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import CommandParser
from django.db import transaction

from auth_api.commands.arguments import add_group
from auth_api.commands.base import OperatorCommand, Report, refused
from auth_api.commands.terminal import read_password
from auth_api.users.acts import require_unreserved
from auth_api.users.addresses import canonical_address
from auth_api.users.groups import groups_named
from auth_api.users.models import User
from auth_api.users.names import validate_name


class Command(OperatorCommand):
    help = "Creates a verified account. Prompts for the password, or reads it from stdin with --password-stdin."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--email", required=True, help="the address of the account")
        parser.add_argument("--name", default="", help="the name of its owner")
        parser.add_argument("--staff", action="store_true", help="give access to the admin")
        parser.add_argument(
            "--superuser", action="store_true", help="give every permission in the admin"
        )
        add_group(parser)
        parser.add_argument(
            "--password-stdin",
            action="store_true",
            help="read the password from the first line of stdin",
        )

    def perform(self, options: dict[str, Any]) -> Report:
        password = read_password(from_stdin=options["password_stdin"])
        try:
            email = canonical_address(options["email"])
            if User.objects.filter(email=email).exists():
                raise refused(f"{email} already has an account.")
            require_unreserved(email)
            groups = groups_named(options["group"])
            validate_name(options["name"])
            validate_password(password, User(email=email, name=options["name"]))
        except ValidationError as error:
            raise refused(" ".join(error.messages)) from None
        with transaction.atomic():
            user = User.objects.create_user(
                email,
                password,
                name=options["name"],
                email_verified=True,
                is_staff=options["staff"] or options["superuser"],
                is_superuser=options["superuser"],
            )
            user.groups.set(groups)
        return Report(f"{email} can sign in.", {"id": user.pk, "email": email})

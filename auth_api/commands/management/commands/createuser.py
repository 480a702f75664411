"""Creates a verified account."""

import sys
from getpass import getpass
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from auth_api.users.acts import require_unreserved
from auth_api.users.addresses import canonical_address
from auth_api.users.groups import groups_named
from auth_api.users.models import User
from auth_api.users.names import validate_name


class Command(BaseCommand):
    help = "Creates a verified account. Prompts for the password, or reads it from stdin with --password-stdin."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", required=True)
        parser.add_argument("--name", default="")
        parser.add_argument("--staff", action="store_true", help="give access to the admin")
        parser.add_argument(
            "--superuser", action="store_true", help="give every permission in the admin"
        )
        parser.add_argument(
            "--group",
            action="append",
            default=[],
            help="add the account to this group (may be repeated)",
        )
        parser.add_argument(
            "--password-stdin",
            action="store_true",
            help="read the password from the first line of stdin",
        )

    def handle(self, *args: object, **options: Any) -> None:
        password = _read_password(options["password_stdin"])
        try:
            email = canonical_address(options["email"])
            if User.objects.filter(email=email).exists():
                raise CommandError(f"{email} already has an account.")
            require_unreserved(email)
            groups = groups_named(options["group"])
            validate_name(options["name"])
            validate_password(password, User(email=email, name=options["name"]))
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
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
        self.stdout.write(f"{email} can sign in.")


def _read_password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass("Password: ")
    if getpass("Again: ") != first:
        raise CommandError("The passwords do not match. Try again.")
    return first

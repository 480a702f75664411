"""Removes the second factors of an account whose owner has lost them all."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from auth_api.sessions.exceptions import SessionStoreUnavailable
from auth_api.users.factors.enrolment import remove_all
from auth_api.users.models import User


class Command(BaseCommand):
    help = (
        "Removes every second factor of a user who has lost them, ends the user's sessions, and tells the "
        "user by mail. First make sure that it is the owner who asks."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--reason", required=True, help="for the user's security log")

    def handle(self, *args: object, **options: Any) -> None:
        try:
            user = User.objects.get_by_natural_key(options["email"])
            removed = remove_all(user.pk, reason=options["reason"])
        except User.DoesNotExist:
            raise CommandError("There is no such user. Check the e-mail address.") from None
        except SessionStoreUnavailable:
            raise CommandError("Redis does not answer. Nothing was changed. Try again.") from None
        self.stdout.write(f"{removed} authenticator apps removed.")

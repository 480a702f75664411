"""Lists the second factors of an account, without their secrets."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from auth_api.users.factors.enrolment import confirmed_devices, recovery_codes_left
from auth_api.users.models import User


class Command(BaseCommand):
    help = "Lists the authenticator apps of a user, and how many recovery codes are left."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: object, **options: Any) -> None:
        try:
            user = User.objects.get_by_natural_key(options["email"])
        except User.DoesNotExist:
            raise CommandError("There is no such user. Check the e-mail address.") from None
        for device in confirmed_devices(user.pk):
            used = f"{device.used_at:%Y-%m-%d}" if device.used_at else "never"
            self.stdout.write(f"{device.name}: added {device.created_at:%Y-%m-%d}, used {used}")
        self.stdout.write(f"{recovery_codes_left(user.pk)} recovery codes left.")

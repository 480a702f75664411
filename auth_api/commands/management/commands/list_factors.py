"""Lists the second factors of an account, without their secrets."""

from typing import Any

from django.core.management.base import CommandParser

from auth_api.commands.arguments import user_of
from auth_api.commands.base import OperatorCommand, Report
from auth_api.users.factors.devices import devices_in_use
from auth_api.users.factors.recovery_sets import recovery_codes_left
from auth_api.users.models import TotpDevice


class Command(OperatorCommand):
    help = "Lists the authenticator apps of a user, and how many recovery codes are left."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--email", required=True, help="the user")

    def perform(self, options: dict[str, Any]) -> Report:
        user = user_of(options["email"])
        devices, codes = devices_in_use(user.pk), recovery_codes_left(user.pk)
        lines = [*map(_line, devices), f"{codes} recovery codes left."]
        apps = [
            {"name": one.name, "added_at": one.created_at, "used_at": one.used_at}
            for one in devices
        ]
        return Report("\n".join(lines), {"apps": apps, "recovery_codes": codes})


def _line(device: TotpDevice) -> str:
    used = f"{device.used_at:%Y-%m-%d}" if device.used_at else "never"
    return f"{device.name}: added {device.created_at:%Y-%m-%d}, used {used}"

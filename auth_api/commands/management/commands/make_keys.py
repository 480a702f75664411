"""Makes the secrets that production needs."""

import os
import re
import secrets
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import CommandParser

from auth_api.commands.base import OperatorCommand, Report, refused
from auth_api.commands.failures import WRONG_ARGUMENTS, CommandFailed
from gatehouse.variables import DEVELOPMENT_SECRETS

_ID = re.compile(r"[a-z0-9]{1,16}", re.ASCII)


class Command(OperatorCommand):
    help = "Generates every secret that production needs, as lines for the environment. Needs no settings."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        today = f"k{datetime.now(UTC):%Y%m%d}"
        parser.add_argument("--id", default=today, help=f"the id of the keys (default: {today})")
        parser.add_argument(
            "--only",
            action="append",
            choices=sorted(DEVELOPMENT_SECRETS),
            help="make only this one (may be repeated)",
        )
        parser.add_argument(
            "--output", help="write them to this new file, readable only by its owner"
        )

    def perform(self, options: dict[str, Any]) -> Report:
        if not _ID.fullmatch(options["id"]):
            message = "--id must be 1 to 16 lower-case letters and digits."
            raise CommandFailed(message, WRONG_ARGUMENTS)
        names = options["only"] or list(DEVELOPMENT_SECRETS)
        made = {name: _new(name, options["id"]) for name in names}
        lines = "\n".join(f"{name}={value}" for name, value in made.items())
        if options["output"] is None:
            return Report(lines, {"variables": made})
        _write(options["output"], lines)
        text = f"{len(made)} secrets written to {options['output']}."
        return Report(text, {"file": options["output"], "names": list(made)})


def _new(name: str, key_id: str) -> str:
    return (f"{key_id}:" if DEVELOPMENT_SECRETS[name] else "") + secrets.token_urlsafe(48)


def _write(path: str, lines: str) -> None:
    """Never over an existing file: its secrets may be in use."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise refused(
            f"{path} already exists. Choose another file, or move this one first."
        ) from None
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{lines}\n")

"""What every command has: `--json`, exit codes, and one line instead of a traceback."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, InterfaceError

from auth_api.commands.failures import INTERRUPTED, REFUSED, CommandFailed, failure_of
from auth_api.sessions.exceptions import SessionStoreUnavailable


@dataclass(frozen=True)
class Report:
    """What a command did: lines for people, and values for programs."""

    text: str
    values: Mapping[str, object] = field(default_factory=dict)


class OperatorCommand(BaseCommand):
    """Base of our commands; `perform` does the work.

    Exit codes: 0 done, 1 refused or nothing found, 2 wrong arguments, 3 something does not answer or
    is not writable, 130 interrupted.
    """

    def add_arguments(self, parser: CommandParser) -> None:
        """Add `--json`. A command with options of its own calls this first."""
        parser.add_argument(
            "--json", action="store_true", help="print one JSON object instead of text"
        )

    def perform(self, options: dict[str, Any]) -> Report:
        """Do the work. Raises CommandError when it is refused."""
        raise NotImplementedError

    def handle(self, *args: object, **options: Any) -> None:
        try:
            report = self._performed(options)
        except CommandError as error:
            if options.get("json"):
                values = error.values if isinstance(error, CommandFailed) else {}
                self._print_json({"ok": False, "error": str(error), **values})
            raise
        if options.get("json"):
            self._print_json({"ok": True, **report.values})
        elif report.text:
            self.stdout.write(report.text)

    def _performed(self, options: dict[str, Any]) -> Report:
        try:
            return self.perform(options)
        except KeyboardInterrupt:
            raise CommandFailed("Interrupted.", INTERRUPTED) from None
        except (SessionStoreUnavailable, DatabaseError, InterfaceError, OSError) as error:
            failure = failure_of(error)
            if failure is None:  # a fault of ours
                raise
            raise failure from error

    def _print_json(self, values: Mapping[str, object]) -> None:
        self.stdout.write(json.dumps(values, ensure_ascii=False, default=str))


def refused(message: str, **values: object) -> CommandFailed:
    """Return the error of a command that does nothing for a reason; exit code 1."""
    return CommandFailed(message, REFUSED, **values)

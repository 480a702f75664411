"""Checks a running set-up, from the front door to the database."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.management.base import CommandParser

from auth_api.commands.base import OperatorCommand, Report
from auth_api.commands.failures import REFUSED, WRONG_ARGUMENTS, CommandFailed
from auth_api.doctor.door import Door
from auth_api.doctor.findings import Finding, Outcome
from auth_api.doctor.plan import checks
from auth_api.doctor.running import findings_of
from auth_api.options import options as settings


class Command(OperatorCommand):
    help = "Checks a running set-up from the front door to the database, and says how to correct each fault. Changes nothing."
    requires_system_checks = ()  # they are a part of the report

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--url", help="the front door (default: GATEHOUSE_PUBLIC_ORIGIN)")
        parser.add_argument(
            "--ca", help="a file with CA certificates (PEM) to trust for the front door"
        )
        parser.add_argument("--send-to", help="send a test mail to this address")

    def perform(self, options: dict[str, Any]) -> Report:
        door = Door(_origin(options["url"] or settings().public_origin), _file(options["ca"]))
        found = findings_of(checks(door, options["send_to"] or ""))
        findings = list(found if options["json"] else self._shown(found))
        counts = {each.value: sum(f.outcome is each for f in findings) for each in Outcome}
        text = ", ".join(f"{count} {name}" for name, count in counts.items())
        values = {"checks": [vars(finding) for finding in findings], "counts": counts}
        if counts[Outcome.FAIL]:
            raise CommandFailed(f"The set-up has faults: {text}.", REFUSED, **values)
        return Report(f"{text}.", values)

    def _shown(self, findings: Iterable[Finding]) -> Iterator[Finding]:
        """Write each line as soon as it is known: some take seconds."""
        styles = {
            Outcome.OK: self.style.SUCCESS,
            Outcome.WARN: self.style.WARNING,
            Outcome.FAIL: self.style.ERROR,
        }
        for finding in findings:
            style = styles.get(finding.outcome, str)
            self.stdout.write(
                f"{style(f'{finding.outcome:<8}')} {finding.check:<18} {finding.found}"
            )
            if finding.mend:
                self.stdout.write(f"{'':<9}to do: {finding.mend}")
            self.stdout.flush()
            yield finding


def _file(path: str | None) -> str:
    """Return `path`, "" for None. Raises CommandFailed."""
    if path and not Path(path).is_file():
        raise CommandFailed("--ca must be a file of certificates (PEM).", WRONG_ARGUMENTS)
    return path or ""


def _origin(url: str) -> str:
    """Return the origin in `url`. Raises CommandFailed."""
    parts = urlsplit(url)
    try:
        usable = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1)
    except ValueError:
        usable = False
    if not usable or parts.path.strip("/") or parts.query or parts.username:
        raise CommandFailed(
            "--url must be an origin, such as https://app.example.org.", WRONG_ARGUMENTS
        )
    return f"{parts.scheme}://{parts.netloc}"

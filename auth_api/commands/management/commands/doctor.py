"""Checks a running set-up, from the front door to the database."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandParser
from django.core.validators import validate_email

from auth_api.commands.base import OperatorCommand, Report
from auth_api.commands.failures import REFUSED, WRONG_ARGUMENTS, CommandFailed
from auth_api.doctor.door import Door
from auth_api.doctor.findings import Finding, Outcome
from auth_api.doctor.plan import checks
from auth_api.doctor.running import findings_of
from auth_api.options import options as settings
from gatehouse.kinds import FILE, ORIGIN, Kind


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
        url = _parsed("--url", ORIGIN, options["url"]) or settings().public_origin
        door = Door(url, _parsed("--ca", FILE, options["ca"]))
        found = findings_of(checks(door, _address(options["send_to"])))
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
            outcome = styles.get(finding.outcome, str)(f"{finding.outcome:<8}")
            self.stdout.write(f"{outcome} {finding.check:<18} {_printable(finding.found)}")
            if finding.mend:
                self.stdout.write(f"{'':<9}to do: {finding.mend}")
            self.stdout.flush()
            yield finding


def _printable(text: str) -> str:
    """Some texts repeat what a server said: it must not control this terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _parsed(option: str, kind: Kind[str], text: str | None) -> str:
    """Return what `text` means, "" for None. Raises CommandFailed."""
    try:
        return kind.parse(text) if text else ""
    except ValueError:
        raise CommandFailed(f"{option} must be {kind.words}.", WRONG_ARGUMENTS) from None


def _address(text: str | None) -> str:
    """As `_parsed`, for --send-to."""
    try:
        validate_email(text or "nobody@example.com")
    except ValidationError:
        raise CommandFailed("--send-to must be an e-mail address.", WRONG_ARGUMENTS) from None
    return text or ""

"""What a check has found."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How it is. Only FAIL makes `doctor` fail."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """One line of the report. `mend`: what to do, for WARN and FAIL. No text shows a secret."""

    check: str  # a stable name
    outcome: Outcome
    found: str
    mend: str = ""


@dataclass(frozen=True)
class Check:
    """Looks at one subject. `run` yields what it finds; it may raise, and it may hang."""

    name: str
    run: Callable[[], Iterator[Finding]]


def ok(check: str, found: str) -> Finding:
    """Nothing to do."""
    return Finding(check, Outcome.OK, found)


def warn(check: str, found: str, mend: str) -> Finding:
    """It works, but something should change."""
    return Finding(check, Outcome.WARN, found, mend)


def fail(check: str, found: str, mend: str) -> Finding:
    """It does not work, or it is not safe."""
    return Finding(check, Outcome.FAIL, found, mend)


def skipped(check: str, found: str) -> Finding:
    """It could not be looked at, or it does not apply."""
    return Finding(check, Outcome.SKIPPED, found)

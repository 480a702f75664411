"""One fault under load, and its row of the table."""

import time
from dataclasses import dataclass, field

from .fault import Fault
from .known import Finding, Kind, excused
from .load import Load, NoRecovery
from .systems import System

_AFTER = 1.0  # seconds of load after the recovery


@dataclass(frozen=True)
class Row:
    """What a fault did. Times are in seconds."""

    fault: str
    where: str
    requests: int
    unavailable: int
    broken: int
    counted: list[Finding]  # what must not be
    in_window: list[Finding]  # lost or revived in a window that the documents name
    ghosts: dict[str, int]
    longest_gap: float
    longest_blind: float  # in which a watcher did not learn whether a session is valid
    recovery: float
    statuses: dict[str, int] = field(repr=False)

    def count(self, kind: Kind) -> int:
        return sum(finding.kind is kind for finding in self.counted)

    @property
    def holds(self) -> bool:
        """Whether nothing was wrong, lost or revived."""
        return not self.counted


def run(fault: Fault, system: System, *, seconds: float = 0) -> Row:
    """Run a fault for its own time, or `seconds` if that is longer. Raises NoRecovery, TimeoutError."""
    system.renew()
    with Load(system.clients, system.actors) as load:
        load.warm_up()
        with fault.inject(system):
            time.sleep(max(fault.hold, seconds))
        recovery = load.recovery(time.monotonic())
        time.sleep(_AFTER)
    load.settle()
    return _row(fault, system, load, recovery)


def _row(fault: Fault, system: System, load: Load, recovery: float) -> Row:
    tallies = [client.tally for client in load.everybody]
    counted, in_window = excused(load.findings, system.windows)
    return Row(
        fault=fault.name,
        where=fault.where,
        requests=sum(tally.requests for tally in tallies),
        unavailable=sum(tally.unavailable for tally in tallies),
        broken=sum(tally.broken for tally in tallies),
        counted=counted,
        in_window=[one for one in in_window if one.kind is not Kind.WRONG],
        ghosts=dict(+load.ghosts),
        longest_gap=load.longest_gap(),
        longest_blind=load.longest_gap(watchers=True),
        recovery=recovery,
        statuses=dict(sorted(load.statuses.items())),
    )


__all__ = ["NoRecovery", "Row", "run"]

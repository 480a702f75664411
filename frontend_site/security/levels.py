"""What a path, a view or a proxy demands of a session, besides being valid (docs/decisions/0018)."""

from collections.abc import Iterable
from dataclasses import dataclass

from frontend_site.settings.levels import AAL1, LEVELS

# As auth_api's, if nothing shorter is demanded (sessions/assurance.py there).
_SECOND_FACTOR_AGE = 86400  # seconds


@dataclass(frozen=True)
class Demand:
    """A level of assurance, and how long ago the user may have authenticated, in seconds (None: any time)."""

    level: str = AAL1
    max_age: int | None = None

    @property
    def longest_age(self) -> int:
        """The `max_age` of a problem document."""
        return _SECOND_FACTOR_AGE if self.max_age is None else self.max_age


def highest(levels: Iterable[str]) -> str:
    """Return the highest of `levels`; AAL1 if there is none."""
    return max(levels, key=rank, default=AAL1)


def rank(level: str) -> int:
    """Return the place of `level` among the levels; one that we do not know counts as the lowest."""
    return LEVELS.index(level) if level in LEVELS else 0


class StepUpRequired(Exception):
    """The session is below what a view demands: the middleware asks again."""

    def __init__(self, demand: Demand) -> None:
        super().__init__("step-up required")
        self.demand = demand

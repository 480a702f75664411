"""How certain auth_api is of who is using a session, and whether that meets a demand."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from frontend_site.security.levels import Demand, rank
from frontend_site.settings.levels import AAL1

_FIRST_FACTORS = frozenset({"pwd"})  # of RFC 8176
_LONG_AGO = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True)
class Assurance:
    """What auth_api said. The level ages while an answer is held, so read `acr` and `amr`, not the fields."""

    level: str = AAL1
    methods: tuple[str, ...] = ()  # in the words of RFC 8176
    auth_time: datetime = _LONG_AGO
    expires_at: datetime | None = None  # when the level falls to AAL1

    @property
    def acr(self) -> str:
        """The level now."""
        return AAL1 if self._has_aged else self.level

    @property
    def amr(self) -> tuple[str, ...]:
        """The methods that count now."""
        if not self._has_aged:
            return self.methods
        return tuple(method for method in self.methods if method in _FIRST_FACTORS)

    def meets(self, demand: Demand) -> bool:
        """Whether a session with it may do what has this demand."""
        if rank(self.acr) < rank(demand.level):
            return False
        if demand.max_age is None:
            return True
        return datetime.now(UTC) - self.auth_time <= timedelta(seconds=demand.max_age)

    @property
    def _has_aged(self) -> bool:
        return self.expires_at is not None and datetime.now(UTC) > self.expires_at

    @classmethod
    def of(cls, session: Mapping[str, Any]) -> "Assurance":
        """Read auth_api's `session`. Raises KeyError, TypeError, ValueError, AttributeError.

        An earlier release sends no level, which counts as the lowest.
        """
        told = session["assurance"]
        expires_at = told.get("expires_at")
        return cls(
            level=str(told.get("acr", AAL1)),
            methods=tuple(map(str, told.get("amr", ()))),
            auth_time=_moment(told["auth_time"]),
            expires_at=_moment(expires_at) if expires_at else None,
        )


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("a time without its zone")
    return found

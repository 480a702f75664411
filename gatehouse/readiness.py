"""The answer of /readyz: ready, degraded, or not ready, and what is missing."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.http import JsonResponse


@dataclass(frozen=True)
class Readiness:
    """`missing` names parts, never addresses or versions: anybody may ask."""

    status: str  # "ready", "degraded" or "not ready"
    missing: tuple[str, ...] = ()

    @classmethod
    def of(cls, missing: Iterable[str], *, vital: Collection[str]) -> "Readiness":
        """Return the readiness without the parts in `missing`: not ready if one of them is `vital`."""
        names = tuple(missing)
        if not names:
            return cls("ready")
        return cls("not ready" if any(name in vital for name in names) else "degraded", names)

    def response(self) -> JsonResponse:
        """Return 200 or, when not ready, 503: a balancer must not take away what still serves."""
        if not self.missing:
            return JsonResponse({"status": self.status})
        response = JsonResponse({"status": self.status, "missing": self.missing})
        if self.status == "not ready":
            response.status_code = 503
            response["Retry-After"] = "2"
        return response

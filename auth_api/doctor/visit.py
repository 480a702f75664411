"""One visit to the front door: what frontend_site saw of a plain request, and of one with forged headers."""

from collections.abc import Callable, Iterator, Sequence

from auth_api.doctor.door import Door, DoorClosed
from auth_api.doctor.findings import Check, Finding, fail, ok, skipped
from auth_api.doctor.site_report import Seen, ask_site
from gatehouse.keys import Key

FORGED_ADDRESS = "192.0.2.66"  # RFC 5737: nobody's
FORGED_REQUEST_ID = "doctor-forged-request-id"
_CHECK = "front-door"


class Visit:
    """`forged` and `plain` are there after `arrive`, unless the door is closed."""

    def __init__(self, door: Door, keys: Sequence[Key]) -> None:
        self.door = door
        self.forged: Seen | None = None
        self.plain: Seen | None = None
        self._keys = keys

    def arrive(self) -> Iterator[Finding]:
        """Ask for both reports; yield whether they came."""
        lie = {
            "X-Forwarded-For": FORGED_ADDRESS,
            "X-Forwarded-Proto": "http" if self.door.is_secure else "https",
            "X-Request-Id": FORGED_REQUEST_ID,
        }
        try:
            self.plain = ask_site(self.door, self._keys, {})
            self.forged = ask_site(self.door, self._keys, lie)
        except DoorClosed as error:
            yield fail(_CHECK, str(error), error.mend)
        else:
            yield ok(_CHECK, f"frontend_site answers at {self.door.origin}")

    def with_reports(
        self, name: str, judge: Callable[[Door, Seen, Seen], Iterator[Finding]]
    ) -> Check:
        """Return a check that `judge` makes of the door, the plain and the forged report; skipped without them."""

        def run() -> Iterator[Finding]:
            if self.plain is None or self.forged is None:
                yield skipped(name, "frontend_site did not answer at the front door")
                return
            try:
                yield from judge(self.door, self.plain, self.forged)
            except DoorClosed as error:
                yield fail(name, str(error), error.mend)

        return Check(name, run)

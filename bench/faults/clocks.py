"""Wall clocks that are off. Sessions know only Redis' clock; service tokens know those of both services."""

from collections.abc import Iterator
from functools import partial

from .clock import no_own_clocks, set_clock
from .fault import add_fault
from .systems import CLOCKS, System

HOUR = 3600  # seconds


def _set(system: System, name: str, ahead: int) -> Iterator[None]:
    set_clock(system.stack, name, ahead)
    yield
    set_clock(system.stack, name, 0)


for _title, _name in (("auth_api", "auth"), ("the site", "web")):
    for _ahead, _words in (
        (30, "30 s ahead"), (-30, "30 s behind"), (HOUR, "an hour ahead"), (-HOUR, "an hour behind"),
    ):  # fmt: skip
        add_fault(
            f"the clock of {_title} {_words}",
            CLOCKS,
            partial(_set, name=_name, ahead=_ahead),
            missing=no_own_clocks,
        )

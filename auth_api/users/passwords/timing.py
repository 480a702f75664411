"""How long checks of passwords take on this machine."""

import time
from collections.abc import Callable

PASSWORD = "a password to measure with"  # noqa: S105 - opens nothing
_RUNS = 3


def milliseconds_of(check: Callable[[], object]) -> float:
    """Return how long the shortest of a few calls of `check` takes."""
    taken = []
    for _ in range(_RUNS):
        start = time.perf_counter()
        check()
        taken.append(time.perf_counter() - start)
    return min(taken) * 1000

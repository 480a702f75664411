"""What the processes of one service tell each other: which workers are ready, and whether the service stops.

gunicorn's master imports this module before it starts workers, so that all of them share its memory.
"""

import mmap

_WORKERS = 1024  # more than a service may have
_shared = memoryview(mmap.mmap(-1, 8 * (_WORKERS + 1))).cast("Q")
_ready, _stop = _shared[:_WORKERS], _shared[_WORKERS:]


def announce_ready(age: int) -> None:
    """Say that the worker of that age, gunicorn's running number, takes requests from now on."""
    _ready[age % _WORKERS] = age


def youngest_ready() -> int:
    """Return the highest age of a worker that has said so, 0 before the first."""
    return max(_ready)


def ready_after(age: int) -> int:
    """Return how many workers younger than `age` have said so."""
    return sum(other > age for other in _ready)


def announce_stop() -> None:
    """Say that the whole service is about to stop."""
    _stop[0] = 1


def is_stopping() -> bool:
    """Whether the whole service is about to stop, for `/readyz`."""
    return bool(_stop[0])

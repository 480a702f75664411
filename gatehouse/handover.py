"""What the processes of one service tell each other: which workers are ready, and whether the service stops.

gunicorn's master imports this module before it starts workers, so that all of them share its memory.
Workers are known by their age, gunicorn's running number.
"""

import mmap
import time

_WORKERS = 1024  # more than a service may have
_shared = memoryview(mmap.mmap(-1, 8 * (_WORKERS + 4))).cast("Q")
_ready = _shared[:_WORKERS]
_ANNOUNCED, _STOPPING, _RELOADED_AT, _OLD = range(_WORKERS, _WORKERS + 4)


def announce_ready(age: int) -> None:
    """Say that the worker of that age takes requests from now on."""
    _ready[age % _WORKERS] = age


def announce_reload(youngest: int) -> None:
    """Say that all workers up to the age of the `youngest` are about to be replaced."""
    _shared[_RELOADED_AT], _shared[_OLD] = time.monotonic_ns(), youngest


def reload_goes_on(workers: int, patience: float) -> bool:
    """Whether fewer than so many new `workers` are ready, and it began less than `patience` seconds ago."""
    if time.monotonic_ns() - _shared[_RELOADED_AT] > patience * 1e9:
        return False
    return sum(age > _shared[_OLD] for age in _ready) < workers


def announce_stop() -> None:
    """Say that the whole service will stop, after a time in which it goes on."""
    _shared[_ANNOUNCED] = 1


def stop_is_announced() -> bool:
    """Whether `/readyz` is to send callers elsewhere."""
    return bool(_shared[_ANNOUNCED])


def begin_stop() -> None:
    """Say that the whole service stops now."""
    _shared[_STOPPING] = 1


def is_stopping() -> bool:
    """Whether the whole service stops now."""
    return bool(_shared[_STOPPING])

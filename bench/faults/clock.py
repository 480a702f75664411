"""Clocks of single services that can be set, by libfaketime (Debian's package)."""

from glob import glob
from pathlib import Path

from tests.processes import Stack


def no_own_clocks() -> str:
    """Why no clock can be set, or ""."""
    return "" if _library() else "libfaketime is not installed (apt-get install libfaketime)"


def _library() -> str:
    # The one for programs with threads.
    return next(iter(glob("/usr/lib/*/faketime/libfaketimeMT.so.1")), "")


def give_own_clock(stack: Stack, name: str) -> None:
    """Start a service again, with a wall clock of its own that is right until it is set."""
    if no_own_clocks():
        raise RuntimeError(no_own_clocks())
    stack.stop(name)
    set_clock(stack, name, 0)
    before = dict(stack.settings)
    stack.settings |= {
        "LD_PRELOAD": _library(),
        "FAKETIME_TIMESTAMP_FILE": str(_file(stack, name)),
        "FAKETIME_CACHE_DURATION": "1",  # second, until it reads the file again
        # Waits and heartbeats stay as they are.
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
    }
    stack.start(name)
    stack.settings = before


def set_clock(stack: Stack, name: str, ahead: int) -> None:
    """Set the clock of a service `ahead` seconds; it takes a second."""
    _file(stack, name).write_text(f"{ahead:+d}\n")


def _file(stack: Stack, name: str) -> Path:
    return stack.folder / f"{name}.clock"

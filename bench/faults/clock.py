"""Wall clocks of single services that can be set: clock.c, compiled here and loaded by LD_PRELOAD.

libfaketime also touches sleeps: with Python 3.11 a `time.sleep` then fails with EINVAL.
"""

import os
import struct
import subprocess
from pathlib import Path
from shutil import which

from tests.processes import Stack

_SOURCE = Path(__file__).with_name("clock.c")


def no_own_clocks() -> str:
    """Why no clock can be set, or ""."""
    return "" if which("cc") else "no C compiler is installed (apt-get install gcc libc6-dev)"


def give_own_clock(stack: Stack, name: str) -> None:
    """Start a service again, with a wall clock of its own that is right until it is set."""
    library = stack.folder / "clock.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, _SOURCE], check=True)
    set_clock(stack, name, 0)
    stack.stop(name)
    before = dict(stack.settings)
    stack.settings |= {"LD_PRELOAD": str(library), "GATEHOUSE_BENCH_CLOCK": str(_file(stack, name))}
    stack.start(name)
    stack.settings = before


def set_clock(stack: Stack, name: str, ahead: int) -> None:
    """Set the clock of a service to `ahead` seconds from the right time, at once."""
    # In place: the file is mapped into the service's memory.
    descriptor = os.open(_file(stack, name), os.O_WRONLY | os.O_CREAT, 0o600)
    os.pwrite(descriptor, struct.pack("=q", ahead), 0)
    os.close(descriptor)


def _file(stack: Stack, name: str) -> Path:
    return stack.folder / f"{name}.clock"

"""Small disks, and full ones."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def no_tiny_disk() -> str:
    """Why no disk can be filled, or ""."""
    return "" if os.getuid() == 0 else "only root can mount a small disk"


@contextmanager
def tiny_disk(folder: Path, *, megabytes: int = 64) -> Iterator[None]:
    """Make `folder` a small disk of its own, if we may."""
    if no_tiny_disk():
        yield
        return
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "gatehouse", folder], check=True
    )
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@contextmanager
def full_disk(folder: Path) -> Iterator[None]:
    """Fill the disk of `folder` to its last byte."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (65536, 1024, 1):
            _fill(file.fileno(), bytes(size))
    try:
        yield
    finally:
        filler.unlink()


def _fill(descriptor: int, piece: bytes) -> None:
    with suppress(OSError):  # full
        while os.write(descriptor, piece):
            pass

"""What a fault is, and the list of all of them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from .systems import System

HOLD = 4.0  # seconds, the usual time between the beginning and the end of a fault
FAULTS: list["Fault"] = []

Inject = Callable[[System], Iterator[None]]


@dataclass(frozen=True)
class Fault:
    """`inject` begins the fault, yields while it lasts, and ends it; it runs on the system `where`."""

    name: str
    where: str
    inject: Callable[[System], AbstractContextManager[None]]
    hold: float  # seconds
    missing: Callable[[], str]  # why it cannot run on this machine, or ""


def everything_there() -> str:
    return ""


def add_fault(
    name: str,
    where: str,
    inject: Inject,
    *,
    hold: float = HOLD,
    missing: Callable[[], str] = everything_there,
) -> None:
    """Add a fault to FAULTS. What `inject` does before its `yield` begins it, the rest ends it."""
    FAULTS.append(Fault(name, where, contextmanager(inject), hold, missing))


def fault(
    name: str, where: str, *, hold: float = HOLD, missing: Callable[[], str] = everything_there
) -> Callable[[Inject], Inject]:
    """The same as a decorator."""

    def add(inject: Inject) -> Inject:
        add_fault(name, where, inject, hold=hold, missing=missing)
        return inject

    return add

"""Faults of the two services and of their workers."""

import os
import signal
from collections.abc import Iterator
from functools import partial

from tests.processes import children_of

from .fault import add_fault
from .systems import ALONE, System

BOTH = ("auth", "web")


def _worker(system: System, name: str) -> int:
    return children_of(system.stack.processes[name].pid)[0]


def _kill_worker(system: System, name: str) -> Iterator[None]:
    os.kill(_worker(system, name), signal.SIGKILL)
    yield


def _freeze_worker(system: System, name: str) -> Iterator[None]:
    worker = _worker(system, name)
    os.kill(worker, signal.SIGSTOP)
    yield
    os.kill(worker, signal.SIGCONT)


def _kill(system: System, names: tuple[str, ...]) -> Iterator[None]:
    for name in names:
        system.stack.kill(name)
    yield
    _start(system, names)


def _start(system: System, names: tuple[str, ...]) -> None:
    for name in names:
        system.stack.start(name)


def _freeze(system: System, names: tuple[str, ...]) -> Iterator[None]:
    for name in names:
        system.stack.pause(name)
    yield
    for name in names:
        system.stack.resume(name)


def _reload(system: System, names: tuple[str, ...]) -> Iterator[None]:
    for name in names:
        os.kill(system.stack.processes[name].pid, signal.SIGHUP)
    yield


def _stop(system: System, names: tuple[str, ...]) -> Iterator[None]:
    for name in names:
        system.stack.stop(name)
    yield
    _start(system, names)


for _title, _name in (("auth_api", "auth"), ("the site", "web")):
    add_fault(f"a worker of {_title} killed", ALONE, partial(_kill_worker, name=_name), hold=2)
    add_fault(f"a worker of {_title} frozen", ALONE, partial(_freeze_worker, name=_name))

for _title, _names in (("auth_api", ("auth",)), ("the site", ("web",)), ("both services", BOTH)):
    add_fault(f"{_title} killed", ALONE, partial(_kill, names=_names), hold=1)
    add_fault(f"{_title} frozen", ALONE, partial(_freeze, names=_names))
    add_fault(f"{_title} reloaded (SIGHUP)", ALONE, partial(_reload, names=_names))
    add_fault(f"{_title} stopped and started", ALONE, partial(_stop, names=_names), hold=1)

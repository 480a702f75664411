"""Failovers by Sentinel, each with one replica that acknowledges. Afterwards the old primary leads again."""

from collections.abc import Iterator

from tests.topologies import Node, Sentinels, follows, leads, wait_for

from .fault import fault
from .systems import SENTINEL, System


def _pair(system: System) -> tuple[Sentinels, Node, Node]:
    assert system.sentinels  # noqa: S101 - the system that the fault names
    return system.sentinels, *system.sentinels.roles()


def _is_primary(node: Node) -> bool:
    return bool(node.client().info("replication")["role"] == "master")


def _changed_places(old: Node, new: Node) -> None:
    wait_for(lambda: follows(old) and leads(new), "the two to change places")


@fault("Sentinel: planned failover", SENTINEL, hold=1)
def planned(system: System) -> Iterator[None]:
    store, old, new = _pair(system)
    store.fail_over()
    yield
    _changed_places(old, new)


@fault("Sentinel: primary killed", SENTINEL, hold=1)
def killed(system: System) -> Iterator[None]:
    _, old, new = _pair(system)
    old.kill()
    wait_for(lambda: _is_primary(new), "a new primary")
    yield
    old.start()
    _changed_places(old, new)


@fault("Sentinel: primary frozen", SENTINEL, hold=1)
def frozen(system: System) -> Iterator[None]:
    _, old, new = _pair(system)
    old.pause()
    wait_for(lambda: _is_primary(new), "a new primary")
    yield
    old.resume()
    _changed_places(old, new)


@fault("Sentinel: primary killed while its replica lags", SENTINEL, hold=2)
def lagging(system: System) -> Iterator[None]:
    _, old, new = _pair(system)
    new.pause()
    yield
    old.kill()
    new.resume()
    wait_for(lambda: _is_primary(new), "a new primary")
    old.start()
    _changed_places(old, new)

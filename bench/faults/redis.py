"""Faults of a single Valkey with an append-only file."""

import shutil
import time
from collections.abc import Iterator

from redis import Redis

from .disks import full_disk, no_tiny_disk
from .fault import HOLD, fault
from .systems import ALONE, System


@fault("Redis killed (kill -9)", ALONE, hold=2)
def killed(system: System) -> Iterator[None]:
    system.stack.valkey.kill()
    yield
    system.stack.valkey.start()


@fault("Redis frozen", ALONE)
def frozen(system: System) -> Iterator[None]:
    system.stack.valkey.pause()
    yield
    system.stack.valkey.resume()


@fault("Redis paused (CLIENT PAUSE)", ALONE)
def paused(system: System) -> Iterator[None]:
    system.stack.valkey.client().client_pause(int(HOLD * 1000))  # it hears no CLIENT UNPAUSE
    yield


@fault("Redis out of memory", ALONE)
def out_of_memory(system: System) -> Iterator[None]:
    system.stack.valkey.client().config_set("maxmemory", 1)
    yield
    system.stack.valkey.client().config_set("maxmemory", 0)


@fault("Redis' disk full (MISCONF)", ALONE, missing=no_tiny_disk)
def disk_full(system: System) -> Iterator[None]:
    with full_disk(system.stack.valkey.folder):
        yield


@fault("Redis' replicas unmet (min-replicas-to-write)", ALONE)
def replicas_unmet(system: System) -> Iterator[None]:
    system.stack.valkey.client().config_set("min-replicas-to-write", 1)
    yield
    system.stack.valkey.client().config_set("min-replicas-to-write", 0)


@fault("Redis' AOF put back by a second", ALONE, hold=0)
def put_back(system: System) -> Iterator[None]:
    """As after a crash of the machine, with `appendfsync everysec`."""
    alone, all_at_once, by_password = system.actors
    for actor in system.actors:
        for _ in range(3):
            actor.sign_in()
    valkey = system.stack.valkey
    files, kept = valkey.folder / "appendonlydir", system.stack.folder / "aof"
    shutil.rmtree(kept, ignore_errors=True)
    begin = time.monotonic()
    _write_out(valkey.client())
    shutil.copytree(files, kept)
    alone.sign_out()
    all_at_once.end_all()
    by_password.change_password()
    time.sleep(max(0.0, begin + 1 - time.monotonic()))
    valkey.kill()
    shutil.rmtree(files)
    shutil.copytree(kept, files)
    valkey.start()
    # What was done in here may be forgotten, but for what the database knows.
    system.windows.append((begin, time.monotonic()))
    yield


def _write_out(client: Redis) -> None:
    """Wait until the file has every write that was acknowledged before."""
    with client.pipeline(
        transaction=False
    ) as calls:  # on one connection, whose writes WAITAOF waits for
        calls.set("bench:write-out", "", px=1)
        calls.execute_command("WAITAOF", 1, 0, 30_000)
        _, (written, _) = calls.execute()
    if not written:
        raise TimeoutError("the append-only file was not written within 30 s")

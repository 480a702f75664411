"""How many passwords are hashed at once, and by which threads."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth.hashers import (
    check_password,
    get_hasher,
    make_password,
)

from auth_api.errors import Overloaded
from auth_api.options import options
from auth_api.threads import STRANGERS_WAITING
from auth_api.users.passwords import hashing
from tests.auth_api.sessions.conftest import PASSWORD


def test_over_the_limit_is_overloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing, "_SLOT_PATIENCE", 0.01)
    with ExitStack() as busy:
        for _ in range(slots_for_strangers()):
            busy.enter_context(taken_slot())
        with pytest.raises(Overloaded):
            check_password(PASSWORD, hashing.decoy())
    check_password(PASSWORD, hashing.decoy())  # the slots are free again


@pytest.mark.slow
def test_a_flood_waits_in_a_few_threads_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """auth_api has so many threads more than it has for those who are signed in (threads_of_worker)."""
    monkeypatch.setattr(hashing, "_SLOT_PATIENCE", 60)
    release, room = threading.Event(), slots_for_strangers() + STRANGERS_WAITING

    def attempt(_: int) -> bool:
        try:
            return bool(hashing._in_slot(lambda: release.wait(60)))
        except Overloaded:
            return False

    with ThreadPoolExecutor(room + 2) as pool:
        results = [pool.submit(attempt, number) for number in range(room + 2)]
        done = {next(as_completed(results, timeout=60))}
        done |= {next(as_completed(set(results) - done, timeout=60))}
        release.set()
    assert [result.result() for result in done] == [False, False]
    assert sum(result.result() for result in results) == room


def test_a_known_browser_gets_the_slot_that_strangers_leave_free() -> None:
    with ExitStack() as busy:
        for _ in range(slots_for_strangers()):
            busy.enter_context(taken_slot())
        with hashing.first_in_line("ada@example.com"):
            assert not check_password(PASSWORD, hashing.decoy())


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a priority is of the whole process")
def test_hashing_has_a_lower_priority_than_everything_else() -> None:
    """Of the thread that does it, and of no other: validations go first."""
    seen = []

    def look(*_: Any) -> bool:
        seen.append(os.getpriority(os.PRIO_PROCESS, 0))
        return True

    with mock.patch.object(hashing, "crypto_pwhash_str_verify", side_effect=look):
        check_password(PASSWORD, make_password(PASSWORD))
    assert seen == [os.getpriority(os.PRIO_PROCESS, 0) + 10]


CHEAP: dict[str, dict[str, int]] = {
    "argon2": {},
    "pbkdf2_sha256": {"iterations": 1},
    "pbkdf2_sha1": {"iterations": 1},
    "scrypt": {"n": 2},
}


def cheap_hash(algorithm: str) -> str:
    return str(get_hasher(algorithm).encode(PASSWORD, "saltsalt", **CHEAP[algorithm]))


@pytest.mark.parametrize("algorithm", CHEAP)
def test_every_kind_of_hash_needs_a_slot(algorithm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = cheap_hash(algorithm)
    assert check_password(PASSWORD, encoded)
    monkeypatch.setattr(hashing, "_SLOT_PATIENCE", 0.01)
    with ThreadPoolExecutor(1) as pool, ExitStack() as busy:
        for _ in range(slots_for_strangers()):
            busy.enter_context(taken_slot())
        with pytest.raises(Overloaded):
            pool.submit(check_password, PASSWORD, encoded).result()


def test_few_threads_hash_and_they_are_nobody_elses() -> None:
    """Each keeps the memory of its last hash: the worker's many threads would keep as many times that."""
    together, met = threading.Barrier(options().hashing_slots), set()

    def meet(*_: Any, **__: Any) -> bytes:
        together.wait(60)
        met.add(threading.get_ident())
        return b""

    def make_for(number: int) -> str:
        with hashing.first_in_line("ada@example.com" if number == 0 else ""):
            return make_password(PASSWORD)

    with (
        ThreadPoolExecutor(options().hashing_slots) as pool,
        mock.patch("argon2.low_level.hash_secret", side_effect=meet),
    ):
        for _ in range(2):
            list(pool.map(make_for, range(options().hashing_slots)))
    assert met == {
        thread.ident for thread in threading.enumerate() if thread.name.startswith("hash")
    }
    assert len(met) == options().hashing_slots


@pytest.mark.parametrize("algorithm", CHEAP)
def test_no_hash_waits_for_a_thread_of_its_own_kind(
    algorithm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Django's PBKDF2 and scrypt verify by encoding: a hashing thread that handed it on would wait for itself."""
    monkeypatch.setattr(hashing, "_SLOT_PATIENCE", 60)
    encoded = cheap_hash(algorithm)
    together = threading.Barrier(options().hashing_slots)

    def check(_: int) -> bool:
        together.wait(60)
        return check_password(PASSWORD, encoded)

    with ThreadPoolExecutor(options().hashing_slots) as pool:
        for _ in range(3):
            assert all(pool.map(check, range(options().hashing_slots), timeout=120))


def test_a_forked_process_hashes_by_threads_of_its_own() -> None:
    """Its parent's threads are not in it: it would wait for them for ever."""
    make_password(PASSWORD)
    child = os.fork()
    if child == 0:
        signal.alarm(120)  # ends it, if it waits
        make_password(PASSWORD)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@contextmanager
def taken_slot() -> Iterator[None]:
    """A slot that another thread holds."""
    with hashing._line().slot(60):
        yield


def slots_for_strangers() -> int:
    """One is kept for browsers that have signed in before."""
    return options().hashing_slots - 1

"""Which passwords are refused (ASVS 6.2), and how the others are kept."""

import gzip
import os
import resource
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any
from unittest import mock

import django.contrib.auth
import pytest
from argon2.low_level import Type, hash_secret
from django.contrib.auth.hashers import (
    Argon2PasswordHasher,
    check_password,
    get_hasher,
    identify_hasher,
    make_password,
)
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import override_settings

from auth_api.errors import Overloaded
from auth_api.options import options
from auth_api.threads import STRANGERS_WAITING
from auth_api.users.models import User
from auth_api.users.passwords import hashing, policy
from gatehouse import variables
from gatehouse.env import Env
from tests.auth_api.sessions.conftest import PASSWORD


def listed() -> list[str]:
    """Django's list of common passwords, most common first."""
    path = Path(django.contrib.auth.__file__).parent / "common-passwords.txt.gz"
    return gzip.decompress(path.read_bytes()).decode().split()


def is_refused(password: str) -> bool:
    try:
        validate_password(password, User(email="ada@example.com", name="Ada Lovelace"))
    except ValidationError:
        return True
    return False


def test_3000_common_passwords_that_fit_the_length_are_refused() -> None:
    """ASVS 6.2.4: few listed ones have 15 characters, so common ones are made to fit."""
    long_enough = [word for word in listed() if len(word) >= policy.MIN_LENGTH]
    doubled = [word * 2 for word in listed() if 8 <= len(word) <= 20][:1500]
    padded = [word + "1" * (15 - len(word)) for word in listed() if 6 <= len(word) < 15][:1500]
    fitting = [*long_enough, *doubled, *padded]
    assert len(fitting) >= 3000
    assert [password for password in fitting if not is_refused(password)] == []


@pytest.mark.parametrize("length", [64, 128])
def test_long_ones_of_any_characters_are_taken(length: int) -> None:
    password = (PASSWORD + " 🪁🧭🦔 und dann übers Meer nach Helgoland, 7 Tage Sturm. ") * 3
    assert not is_refused(password[:length])


SLOW_TO_JUDGE = (  # half a second each for plain zxcvbn, mostly with the GIL held
    "@s{![o(4962<2@%e21a|5o4!7++6t4|$",
    "4@8({[<3690!1|7$5+%2" * 6,
    "4@8({[</369&#!1/|0$5+7%2/" * 5,
)
READINGS = {
    "a": "4@",
    "b": "8",
    "c": "({[<",
    "e": "3",
    "g": "69",
    "i": "1!|",
    "l": "1|7",
    "o": "0",
    "s": "$5",
    "t": "+7",
    "x": "%",
    "z": "2",
}  # fmt: skip - zxcvbn tries every combination of these


def combinations(text: str) -> int:
    """Return how many readings of `text` zxcvbn looks up in its lists."""
    found = (sum(character in text for character in READINGS[letter]) for letter in READINGS)
    return prod(max(1, number) for number in found)


@pytest.mark.parametrize("password", [*SLOW_TO_JUDGE, "ab" * 64])
def test_the_estimator_sees_few_characters_and_few_readings(password: str) -> None:
    with mock.patch.object(policy, "zxcvbn", wraps=policy.zxcvbn) as scored:
        is_refused(password)
    (call,) = scored.call_args_list
    assert len(call.args[0]) == policy.LONGEST_SCORED
    assert combinations(call.args[0]) <= 64 < combinations(SLOW_TO_JUDGE[0])


@pytest.mark.parametrize("password", SLOW_TO_JUDGE)
def test_what_was_slow_to_judge_is_still_a_good_password(password: str) -> None:
    assert not is_refused(password)


@pytest.mark.parametrize(
    "word", ["p@ssw0rd", "{orre{t", "<0mputer", "|iverpool", "[harl|e", "$unsh!ne"]
)
def test_a_word_in_disguise_is_still_that_word(word: str) -> None:
    """Also with characters that are replaced before the estimator sees them."""
    assert is_refused(word * 2)


@pytest.mark.parametrize(
    "text",
    ["\u0130" * 20, "\u1e9e\ufb01\u01f0" * 8, "\u0663\u0664/\u0661\u0662/" * 4, "\x0b\u2028" * 9],
)
def test_letters_that_change_their_length_break_nothing(text: str) -> None:
    """The estimator counts characters in Rust."""
    assert is_refused(text)


@pytest.mark.parametrize("password", ["x" * 129, "x" * 10_000, "a\0" * 10, "\ud800" * 20])
def test_nothing_is_hashed_that_no_account_can_have(password: str) -> None:
    with mock.patch.object(hashing.Argon2idHasher, "verify") as verified:
        assert not hashing.acceptable_input(password)
        assert verified.call_count == 0
    assert is_refused(password)


@pytest.mark.django_db
def test_a_password_is_verified_exactly_as_it_was_given() -> None:
    password = "  Étude in c, un peu lent  "
    user = User(email="ada@example.com")
    user.set_password(password)
    assert user.check_password(password)
    for other in (password.strip(), password.lower(), password.replace("É", "E")):
        assert not user.check_password(other)


def test_the_hash_is_argon2id_by_owasp() -> None:
    env = Env({"GATEHOUSE_ENV": "test"})
    changes = {
        "argon2_memory_kib": env.read(variables.ARGON2_MEMORY_KIB),
        "argon2_time": env.read(variables.ARGON2_TIME),
    }
    with override_settings(GATEHOUSE=replace(options(), **changes)):
        user = User(email="ada@example.com")
        user.set_password(PASSWORD)
    assert user.password.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")


def test_the_limit_of_hashes_at_once_holds_for_checking_too() -> None:
    """Two hashers of one name in PASSWORD_HASHERS would let the wrong one verify."""
    user = User(email="ada@example.com")
    user.set_password(PASSWORD)
    assert type(identify_hasher(user.password)) is hashing.Argon2idHasher


def test_hashes_of_djangos_own_argon2_are_read() -> None:
    encoded = Argon2PasswordHasher().encode(PASSWORD, "salt" * 5)
    assert check_password(PASSWORD, encoded)
    assert not check_password(PASSWORD + "!", encoded)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("costs", "salt"),
    [((19456, 2), b"s" * 16), ((8, 1), b"s" * 8), ((100, 3), b"s" * 22), ((47104, 1), b"s" * 16)],
)
def test_libsodium_agrees_with_argon2_cffi(costs: tuple[int, int], salt: bytes) -> None:
    """Hashes are made by one and checked by the other."""
    for password in (PASSWORD, " Übermut, 7 Meere 🪁 ", "x" * hashing.MAX_LENGTH):
        stored = argon2id(password, salt, costs)
        assert libsodium_says(stored, password)
        assert not libsodium_says(stored, password + "!")
        assert not libsodium_says(stored[:-1] + ("A" if stored[-1] != "A" else "E"), password)


def argon2id(password: str, salt: bytes, costs: tuple[int, int]) -> str:
    """A hash by argon2-cffi, as Django stores it."""
    memory, time = costs
    options: dict[str, Any] = {"parallelism": 1, "hash_len": 32, "type": Type.ID}
    made = hash_secret(
        password.encode(), salt, memory_cost=memory, time_cost=time, **options
    ).decode()
    return f"argon2{made}"


def libsodium_says(stored: str, password: str) -> bool:
    with mock.patch.object(Argon2PasswordHasher, "verify", side_effect=AssertionError):
        return hashing.Argon2idHasher().verify(password, stored)


def test_a_hash_wrapped_in_ours_costs_what_ours_cost() -> None:
    """What docs/how-to/adopting.md advises against a stranger with a watch."""

    class Wrapped(hashing.Argon2idHasher):
        algorithm = "argon2_wrapped"

    stored = argon2id(PASSWORD, b"s" * 16, (8, 1)).replace("argon2$", "argon2_wrapped$")
    with mock.patch.object(Argon2PasswordHasher, "verify", side_effect=AssertionError):
        assert Wrapped().verify(PASSWORD, stored)


@pytest.mark.parametrize(
    "other",
    [{"hash_len": 8}, {"hash_len": 64}, {"parallelism": 2}, {"type": Type.I}, {"version": 16}],
    ids=str,
)
def test_what_libsodium_does_not_know_is_checked_by_argon2_cffi(other: dict[str, Any]) -> None:
    options = {"parallelism": 1, "hash_len": 32, "type": Type.ID, **other}
    stored = hash_secret(
        PASSWORD.encode(), b"s" * 16, memory_cost=16, time_cost=1, **options
    ).decode()
    assert check_password(PASSWORD, f"argon2{stored}")
    assert not check_password(PASSWORD + "!", f"argon2{stored}")


def test_without_the_memory_for_a_hash_no_password_is_called_wrong() -> None:
    """libsodium says no in both cases."""
    stored = argon2id(PASSWORD, b"s" * 16, (102400, 1))
    damaged = argon2id(PASSWORD, b"s" * 16, (8, 1)).replace("m=8", "m=1")
    child = os.fork()
    if child == 0:
        try:
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            in_use = pages * os.sysconf("SC_PAGE_SIZE")
            resource.setrlimit(resource.RLIMIT_AS, (in_use + 50 * 2**20, resource.RLIM_INFINITY))
            with pytest.raises(Overloaded):
                libsodium_says(stored, PASSWORD)
            os._exit(libsodium_says(damaged, PASSWORD))  # and this one is wrong again
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


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


def test_the_very_first_decoy_costs_one_run() -> None:
    with mock.patch("argon2.low_level.hash_secret") as hashed:
        check_password(PASSWORD, hashing.decoy())
    assert hashed.call_count == 0
    real, decoy = Argon2PasswordHasher(), hashing.Argon2idHasher()
    shape = real.decode(hashing._decoy(decoy.params()))["params"]
    assert shape == decoy.decode(decoy.encode(PASSWORD, decoy.salt()))["params"]


def test_a_decoy_is_computed_to_its_end() -> None:
    """With the right tag in it, it is a hash like any other: nothing refuses its form before."""
    costs = hashing.Argon2idHasher().params()
    decoy = hashing._decoy(costs)
    stored = argon2id(PASSWORD, bytes(22), (costs.memory_cost, costs.time_cost))
    assert decoy.rpartition("$")[0] == stored.rpartition("$")[0]
    assert libsodium_says(stored, PASSWORD)
    assert not libsodium_says(decoy, PASSWORD)

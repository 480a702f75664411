"""How passwords are kept and checked."""

import os
import resource
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from argon2.low_level import Type, hash_secret
from django.contrib.auth.hashers import (
    Argon2PasswordHasher,
    check_password,
    identify_hasher,
)
from django.test import override_settings

from auth_api.errors import Overloaded
from auth_api.options import options
from auth_api.users.models import User
from auth_api.users.passwords import hashing
from gatehouse import variables
from gatehouse.env import Env
from tests.auth_api.sessions.conftest import PASSWORD


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

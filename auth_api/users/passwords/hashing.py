"""Hashes and verifies passwords."""

import os
import re
import sys
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from errno import ENOMEM
from functools import cache
from typing import Any

from argon2 import Parameters
from cffi import FFI
from django.contrib.auth.hashers import (
    Argon2PasswordHasher,
    PBKDF2PasswordHasher,
    PBKDF2SHA1PasswordHasher,
    ScryptPasswordHasher,
    identify_hasher,
    is_password_usable,
)
from nacl.bindings import crypto_pwhash_str_verify, crypto_pwhash_STRBYTES
from nacl.exceptions import InvalidkeyError

from auth_api.deadline import require_time
from auth_api.errors import Overloaded
from auth_api.metrics import HASHES
from auth_api.options import options
from auth_api.threads import KNOWN_WAITING, STRANGERS_WAITING
from gatehouse.waiting_line import LineFull, WaitingLine

from .normalization import normalized

MAX_LENGTH = 128  # code points; checked before hashing (Django CVE-2013-1443)
_SLOT_PATIENCE = 2.0  # seconds; the BFF waits 5 for the answer
# Below everything else of this machine: validations and Valkey go first (setpriority(2)).
_NICENESS = 10
# What libsodium computes: Argon2id with one lane, a salt of 8 bytes and a tag of 16 at least.
_ONE_LANE = re.compile(
    r"argon2id\$v=19\$m=[0-9]{1,8},t=[0-9]{1,4},p=1\$[A-Za-z0-9+/]{11,}\$[A-Za-z0-9+/]{22,}",
    re.ASCII,
)

_c = FFI()
_mine = threading.local()
_ahead: ContextVar[str] = ContextVar("ahead", default="")


class _InSlot:
    """For every hasher: hashes at once are limited, whatever their algorithm."""

    def encode(self, *args: Any, **kwargs: Any) -> str:
        return str(_by_hashing_thread(super().encode, *args, **kwargs))  # type: ignore[misc]

    def verify(self, *args: Any, **kwargs: Any) -> bool:
        return bool(_by_hashing_thread(super().verify, *args, **kwargs))  # type: ignore[misc]


class Argon2idHasher(_InSlot, Argon2PasswordHasher):
    """Argon2id by OWASP's parameters (19 MiB, t=2, p=1), a few at once in each process.

    Hashes are made by argon2-cffi and checked by libsodium: the same function, but in the widest
    vectors that the processor has, at half of the cost (docs/reference/benchmarks.md).
    """

    parallelism = 1

    @property
    def time_cost(self) -> int:  # type: ignore[override]
        return options().argon2_time

    @property
    def memory_cost(self) -> int:  # type: ignore[override]
        return options().argon2_memory_kib

    def encode(self, password: str, salt: str) -> str:
        return super().encode(normalized(password), salt)

    def verify(self, password: str, encoded: str) -> bool:
        algorithm, _, stored = encoded.partition("$")
        too_long = len(stored) + 1 >= crypto_pwhash_STRBYTES
        if algorithm != self.algorithm or too_long or not _ONE_LANE.fullmatch(stored):
            return super().verify(password, encoded)
        return bool(_by_hashing_thread(_is_right, password.encode(), f"${stored}".encode()))


class ImportedPBKDF2Hasher(_InSlot, PBKDF2PasswordHasher):
    """Django's default: hashes of users who came from elsewhere (docs/how-to/adopting.md)."""


class ImportedPBKDF2SHA1Hasher(_InSlot, PBKDF2SHA1PasswordHasher):
    """An older default."""


class ImportedScryptHasher(_InSlot, ScryptPasswordHasher):
    """Takes 16 MiB or more of memory each."""


@contextmanager
def first_in_line(account: str) -> Iterator[None]:
    """Let what the block hashes for `account` go before strangers, one hash at a time; "" for nobody."""
    token = _ahead.set(account)
    try:
        yield
    finally:
        _ahead.reset(token)


@cache
def _line() -> WaitingLine:
    slots = options().hashing_slots
    return WaitingLine(
        slots=slots,
        reserved=1 if slots > 1 else 0,
        waiting=STRANGERS_WAITING,
        named_waiting=KNOWN_WAITING,
    )


@HASHES.track_inprogress()
def _in_slot(hash_it: Callable[[], Any]) -> Any:
    """Raise Overloaded instead of letting a flood of logins eat the memory, or all the threads.

    Raises DeadlinePassed. Neither is raised after a comparison.
    """
    require_time()
    try:
        with _line().slot(_SLOT_PATIENCE, _ahead.get()):
            require_time()  # it has waited
            return hash_it()
    except LineFull:
        raise Overloaded from None


def _is_right(password: bytes, stored: bytes) -> bool:
    """Whether `stored`, an Argon2id hash, is of `password`. Raises Overloaded without the memory for it."""
    _c.errno = 0  # of this thread; libsodium sets it, but not always
    try:
        return bool(crypto_pwhash_str_verify(stored, password))
    except InvalidkeyError:
        if _c.errno == ENOMEM:  # nobody may be told that a right password is wrong
            raise Overloaded from None
        return False


def _by_hashing_thread(hash_it: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    if getattr(_mine, "hashes", False):  # Django's PBKDF2 and scrypt verify by encoding
        return hash_it(*args, **kwargs)
    return _in_slot(lambda: _threads().submit(hash_it, *args, **kwargs).result())


@cache
def _threads() -> ThreadPoolExecutor:
    """All hashing is done here, at a low priority. Few keep its memory, where each thread would keep its own."""
    return ThreadPoolExecutor(options().hashing_slots, "hash", initializer=_hash_here)


os.register_at_fork(after_in_child=_threads.cache_clear)  # a child has none of its parent's threads


def _hash_here() -> None:
    _mine.hashes = True
    if sys.platform == "linux":  # elsewhere a priority is of the whole process
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)


def can_be_checked(stored: str) -> bool:
    """Whether `stored` is a whole hash of a kind that we know: not of an account without a password."""
    try:
        identify_hasher(stored).decode(stored)
    except (ValueError, AssertionError):  # as Django's hashers refuse it
        return False
    return is_password_usable(stored)


def decoy() -> str:
    """Return a hash that matches no password but costs as much to check, for accounts without one.

    It is assembled, not computed, so that the first decoy costs no more than later ones.
    """
    return _decoy(Argon2idHasher().params())


def _decoy(costs: Parameters) -> str:
    salt, tag = (b64encode(bytes(size)).decode().rstrip("=") for size in (22, costs.hash_len))
    parameters = f"m={costs.memory_cost},t={costs.time_cost},p={costs.parallelism}"
    return f"argon2$argon2id$v={costs.version}${parameters}${salt}${tag}"


def acceptable_input(password: str) -> bool:
    """Whether `password` may be hashed at all."""
    return len(password) <= MAX_LENGTH and "\0" not in password and _encodable(password)


def _encodable(password: str) -> bool:
    try:
        password.encode()
    except UnicodeEncodeError:  # lone surrogates
        return False
    return True

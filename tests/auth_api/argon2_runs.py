"""Counts the runs of Argon2id, by the library that does them: one's runs cost twice the other's."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest import mock

import argon2._password_hasher
import argon2.low_level

from auth_api.users.passwords import hashing


@contextmanager
def argon2_runs() -> Iterator[dict[str, int]]:
    """Give a dictionary that has the runs of each library at the end."""
    counts: dict[str, int] = {}
    with ExitStack() as patches:

        def watch(place: object, name: str) -> mock.MagicMock:
            return patches.enter_context(mock.patch.object(place, name, wraps=getattr(place, name)))

        checked = watch(hashing, "crypto_pwhash_str_verify")
        others = [
            watch(argon2.low_level, "hash_secret"),
            watch(argon2._password_hasher, "hash_secret"),
            watch(argon2._password_hasher, "verify_secret"),
        ]
        yield counts
    counts["libsodium"] = checked.call_count
    counts["argon2-cffi"] = sum(other.call_count for other in others)

"""A password hasher that lets a test make changes while a password is hashed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from auth_api.users.passwords.hashing import Argon2idHasher

HASHER = f"{__name__}.InterruptedHasher"
_waiting: list[Callable[[], Any]] = []


class InterruptedHasher(Argon2idHasher):
    """The site's hasher; before it makes or checks a hash, it runs an act of the test."""

    def encode(self, *args: Any, **kwargs: Any) -> str:
        _interrupt()
        return super().encode(*args, **kwargs)

    def verify(self, password: str, encoded: str) -> bool:
        _interrupt()
        return super().verify(password, encoded)


def _interrupt() -> None:
    if _waiting:
        _waiting.pop(0)()


def nothing() -> None:
    """Do nothing at this hash."""


@contextmanager
def during_hashes(settings: Any, *acts: Callable[[], Any]) -> Iterator[None]:
    """In the block, run the first of `acts` before the first hash, and so on.

    Fails if there were fewer hashes than acts.
    """
    settings.PASSWORD_HASHERS = [HASHER]
    _waiting.extend(acts)
    try:
        yield
        assert not _waiting, "less was hashed"
    finally:
        _waiting.clear()

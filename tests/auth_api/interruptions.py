"""What happens while a password is hashed: a hasher of the settings that lets something happen then."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from auth_api.users.passwords import Argon2idHasher

HASHER = f"{__name__}.InterruptedHasher"
_waiting: list[Callable[[], Any]] = []


class InterruptedHasher(Argon2idHasher):
    """Ours; before it makes or checks a hash it does what a test asked for."""

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
    """At this hash nothing happens."""


@contextmanager
def during_hashes(settings: Any, *acts: Callable[[], Any]) -> Iterator[None]:
    """In the block the first hash waits until the first of `acts` is done, and so on.

    Fails when less was hashed than that.
    """
    settings.PASSWORD_HASHERS = [HASHER]
    _waiting.extend(acts)
    try:
        yield
        assert not _waiting, "less was hashed"
    finally:
        _waiting.clear()

"""Lists of named keys, newest first: the first key signs or encrypts, all keys verify or decrypt."""

import re
from dataclasses import dataclass, field

SHORTEST = 32  # bytes of a secret
_FEWEST_DISTINCT = 10  # characters; a secret with fewer is not random
_KEY = re.compile(r"([a-z0-9]{1,16}):(.{32,})", re.ASCII)


@dataclass(frozen=True)
class Key:
    """A named secret; `id` may be shown, `secret` never."""

    id: str
    secret: bytes = field(repr=False)


def parse_keys(text: str) -> tuple[Key, ...]:
    """Return the keys of `<id>:<secret>,<id>:<secret>`, newest first. Raises ValueError, without a secret."""
    matches = [_KEY.fullmatch(part.strip()) for part in text.split(",")]
    keys = tuple(Key(match[1], match[2].encode()) for match in matches if match)
    if len(keys) != len(matches):
        raise ValueError("malformed key")
    return keys


def weakness_of(secret: bytes) -> str:
    """Return what is wrong with `secret`, as the end of a sentence, or ""."""
    if len(secret) < SHORTEST:
        return f"is shorter than {SHORTEST} characters"
    return "" if len(set(secret)) >= _FEWEST_DISTINCT else "is not random"

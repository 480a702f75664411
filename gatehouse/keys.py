"""Lists of named keys, newest first: the first key signs or encrypts, all keys verify or decrypt."""

import re
from collections.abc import Mapping, Sequence
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


def unnamed(secret: str) -> tuple[Key, ...]:
    """Return a single secret as a list of keys, for the functions below."""
    return (Key("", secret.encode()),)


def weak_secrets(secrets: Mapping[str, Sequence[Key]]) -> list[str]:
    """Return a sentence for each secret that can be guessed; `secrets` is keyed by variable. No sentence shows a secret."""
    weak = [f"{name} is missing." for name, keys in secrets.items() if not keys]
    for name, keys in secrets.items():
        for key in keys:
            if weakness := weakness_of(key.secret):
                weak.append(f"{name} ({key.id}) {weakness}." if key.id else f"{name} {weakness}.")
    return weak


def are_apart(secrets: Mapping[str, Sequence[Key]]) -> bool:
    """Whether no two of `secrets` share one: what is stolen in one place must not be usable in another."""
    distinct = [{key.secret for key in keys} for keys in secrets.values()]
    return len(set().union(*distinct)) == sum(map(len, distinct))

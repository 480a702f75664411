"""Creates and verifies the short-lived tokens by which frontend_site authenticates to auth_api (ASVS 13.2.1)."""

import hmac
import re
import time
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256

from .keys import Key

LIFETIME = 60  # seconds
CLOCK_SKEW = 60  # seconds that the two clocks may differ, either way
_RENEW_BEFORE = 15  # seconds: a call takes its time
_GRAMMAR = re.compile(r"Bearer (v1\.([a-z0-9]{1,16})\.(\d{1,12}))\.([A-Za-z0-9_-]{43})", re.ASCII)


def mint_service_token(key: Key, *, now: float | None = None, lifetime: int = LIFETIME) -> str:
    """Return `v1.<key id>.<expiry>.<MAC>`, good for `lifetime` seconds from `now` (Unix seconds)."""
    text = f"v1.{key.id}.{int(time.time() if now is None else now) + lifetime}"
    return f"{text}.{_mac(key, text)}"


class ServiceTokens:
    """Hands out one token until shortly before its end, then the next."""

    def __init__(self, key: Key) -> None:
        self._key = key
        self._token = ""
        self._renew_at = 0.0

    def current(self) -> str:
        """Return a token that has at least a quarter of its life before it."""
        now = time.time()
        # A clock set back would keep a token from the future: auth_api refuses those.
        if not self._renew_at - LIFETIME <= now < self._renew_at:
            self._token = mint_service_token(self._key, now=now)
            self._renew_at = now + LIFETIME - _RENEW_BEFORE
        return self._token


class Refusal(StrEnum):
    """Why a service token is not accepted, in the words of the log."""

    MISSING = "no token"
    MALFORMED = "malformed token"
    UNKNOWN_KEY = (
        "unknown key"  # GATEHOUSE_SERVICE_KEYS of the two services have no key ID in common
    )
    WRONG_SECRET = "another secret under this key ID"  # noqa: S105 - words of the log
    CLOCK = "clocks differ"


@dataclass(frozen=True)
class Judgement:
    """What a service token is worth: good if there is no `refusal`.

    `clock_difference`: by how many seconds the caller's clock is ahead (negative: behind). A caller uses a
    token for some time, so this is the smallest difference that explains it. 0 unless the MAC is right.
    """

    refusal: Refusal | None
    key_id: str = ""
    clock_difference: int = 0


def judge_authorization(header: str, keys: Sequence[Key]) -> Judgement:
    """Judge an Authorization header, which must carry a current token of one of `keys`."""
    match = _GRAMMAR.fullmatch(header)
    if match is None:
        return Judgement(Refusal.MALFORMED if header else Refusal.MISSING)
    text, key_id, expiry, mac = match.groups()
    if not _is_signed(text, key_id, mac, tuple(keys)):
        known = any(key.id == key_id for key in keys)
        return Judgement(Refusal.WRONG_SECRET if known else Refusal.UNKNOWN_KEY, key_id)
    left = int(expiry) - time.time()
    is_current = -CLOCK_SKEW < left <= LIFETIME + CLOCK_SKEW
    return Judgement(None if is_current else Refusal.CLOCK, key_id, _clock_difference(left))


def _clock_difference(left: float) -> int:
    """Return by how much the clock of the caller is ahead if its token ends in `left` seconds."""
    if left > LIFETIME:
        return round(left - LIFETIME)
    return min(0, round(left - _RENEW_BEFORE))


@lru_cache(maxsize=64)  # the BFF sends one token with many calls
def _is_signed(text: str, key_id: str, mac: str, keys: tuple[Key, ...]) -> bool:
    return any([hmac.compare_digest(mac, _mac(key, text)) and key.id == key_id for key in keys])


def _mac(key: Key, text: str) -> str:
    digest = hmac.digest(key.secret, text.encode(), sha256)
    return urlsafe_b64encode(digest).rstrip(b"=").decode()

"""Creates and verifies the short-lived tokens by which frontend_site authenticates to auth_api (ASVS 13.2.1)."""

import hmac
import re
import time
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256

from .keys import Key

LIFETIME = 60  # seconds
_CLOCK_SKEW = 5  # seconds
_RENEW_BEFORE = 15  # seconds: clocks differ, and a call takes its time
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


def is_good_authorization(header: str, keys: Sequence[Key]) -> bool:
    """Whether an Authorization header carries a token of one of `keys` that has not expired."""
    match = _GRAMMAR.fullmatch(header)
    if match is None:
        return False
    text, key_id, expiry, mac = match.groups()
    if not _is_signed(text, key_id, mac, tuple(keys)):
        return False
    return 0 < int(expiry) - time.time() <= LIFETIME + _CLOCK_SKEW


@lru_cache(maxsize=64)  # the BFF sends one token with many calls
def _is_signed(text: str, key_id: str, mac: str, keys: tuple[Key, ...]) -> bool:
    return any([hmac.compare_digest(mac, _mac(key, text)) and key.id == key_id for key in keys])


def _mac(key: Key, text: str) -> str:
    digest = hmac.digest(key.secret, text.encode(), sha256)
    return urlsafe_b64encode(digest).rstrip(b"=").decode()

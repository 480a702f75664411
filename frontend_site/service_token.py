"""Service tokens: how the BFF shows auth_api that it is the BFF (ASVS 13.2.1)."""

import hmac
import time
from base64 import urlsafe_b64encode
from hashlib import sha256

from .settings.env import Key

LIFETIME = 60  # seconds
_RENEW_BEFORE = 15  # seconds: clocks differ, and a call takes its time


def mint_service_token(key: Key, *, now: float) -> str:
    """Return `v1.<key id>.<expiry>.<MAC>`, good until LIFETIME after `now` (Unix seconds)."""
    text = f"v1.{key.id}.{int(now) + LIFETIME}"
    mac = hmac.digest(key.secret, text.encode(), sha256)
    return f"{text}.{urlsafe_b64encode(mac).rstrip(b'=').decode()}"


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

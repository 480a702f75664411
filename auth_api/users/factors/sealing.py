"""Seals the secrets of authenticator apps, and hashes recovery codes, by GATEHOUSE_FACTOR_KEYS.

A key list of its own: a key of sessions may go when they have ended, these last as long as the factors.
"""

import hmac
import os
from hashlib import blake2b, sha256
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from auth_api.options import options
from gatehouse.keys import Key

_NONCE_BYTES = 12


class SealedByUnknownKey(Exception):
    """None of GATEHOUSE_FACTOR_KEYS opens this secret: a key is missing, or the row was changed."""


def seal_secret(secret: bytes, *, user_id: Any, device_id: str) -> bytes:
    """Return `secret` sealed with the newest key, for this row alone (AES-256-GCM)."""
    nonce = os.urandom(_NONCE_BYTES)
    cipher = _cipher(options().factor_keys[0])
    return nonce + cipher.encrypt(nonce, secret, _context(user_id, device_id))


def open_secret(sealed: bytes, *, user_id: Any, device_id: str) -> bytes:
    """Return the secret of a row. Raises SealedByUnknownKey."""
    for key in options().factor_keys:
        try:
            return _cipher(key).decrypt(
                sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _context(user_id, device_id)
            )
        except (InvalidTag, ValueError):
            continue
    raise SealedByUnknownKey


def code_hash(code: str, user_id: Any, key: Key) -> str:
    """Return the keyed hash of a recovery code; with 120 random bits it needs no slow one (ASVS 6.5.2)."""
    text = f"gatehouse recovery code\0{user_id}\0{code}".encode()
    return hmac.digest(key.secret, text, sha256).hex()


def _cipher(key: Key) -> AESGCM:
    purpose = b"gatehouse totp secret"
    root = sha256(b"gatehouse factor key\0" + key.secret).digest()
    return AESGCM(blake2b(purpose, digest_size=32, key=root).digest())


def _context(user_id: Any, device_id: str) -> bytes:
    return f"{user_id}:{device_id}".encode()

"""Sealing: AES-256-GCM under keys derived from the server's key and, for payloads, the cookie's secret.

A copy of Redis alone, or the server's key alone, opens no payload (ASVS 11.3.3):
the payload's key needs both. What a user's list of sessions shows, and the snapshot, must be readable
without the cookies of the other sessions, so their keys come from the server's key alone.
Every message has a key of its own, by its purpose and its Redis key, so that random nonces never run out.
"""

import os
import zlib
from collections.abc import Sequence
from functools import cache
from hashlib import blake2b, sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from auth_api.options import options
from gatehouse.keys import Key

from .records import FORMAT_1, Header, SignIn, UserSnapshot
from .tokens import SessionToken

_NONCE_BYTES = 12
_SNAPSHOT_HEADER = 6
_NOT_THIS_KEY = (InvalidTag, ValueError)  # ValueError: cut shorter than a nonce

# Deflate finds these strings here instead of in each snapshot. Never change a byte: raw deflate does
# not notice another dictionary, and cached profiles would be read wrong (decisions/0005).
SNAPSHOT_DICTIONARY = (
    b'@gmail.com","name":"@example.com","name":"","email_verified":true,"is_staff":true,'
    b'"email_verified":false,"is_staff":false,"date_joined":"2026-Z"}{"id":"","email":"'
)


class Unreadable(Exception):
    """The bytes are not what this server sealed for this Redis key."""


class SessionCodec:
    """Seals and opens what the engine stores.

    `keys`: newest first; the first seals, all open, so that a key can be changed without
    ending a session.
    """

    def __init__(self, keys: Sequence[Key]) -> None:
        self._roots = [sha256(b"gatehouse session key\0" + key.secret).digest() for key in keys]

    def seal_record(
        self, token: SessionToken, header: Header, sign_in: SignIn, payload: bytes
    ) -> bytes:
        """Return the body of a record, bound to its key and its header."""
        nonce = os.urandom(_NONCE_BYTES)
        about = self.seal_sign_in(nonce, token.ref, token.id_hash, header, sign_in)
        data = _payload_cipher(self._roots[0], token).encrypt(
            nonce, payload, _payload_context(token, header, about)
        )
        return nonce + bytes((len(about),)) + about + data

    def open_payload(self, token: SessionToken, header: Header, body: bytes) -> bytes:
        """Return the payload. Raises Unreadable when any byte, or the Redis key, is not as sealed."""
        nonce, about, data = _parts(body)
        context = _payload_context(token, header, about)
        for root in self._roots:
            try:
                return _payload_cipher(root, token).decrypt(nonce, data, context)
            except _NOT_THIS_KEY:
                continue
        raise Unreadable

    def seal_sign_in(
        self, nonce: bytes, ref: str, id_hash: str, header: Header, sign_in: SignIn
    ) -> bytes:
        """Return the sealed sign-in part of a record, bound to the whole header, including its times."""
        cipher = _sign_in_cipher(self._roots[0], ref, id_hash)
        context = _sign_in_context(ref, id_hash, header)
        return cipher.encrypt(nonce, sign_in.pack(header.format), context)

    def open_sign_in(self, ref: str, id_hash: str, header: Header, body: bytes) -> SignIn:
        """Return how the session was started; needs no token.

        Raises Unreadable, also if the header's times differ from the sealed ones.
        """
        nonce, about, _ = _parts(body)
        context = _sign_in_context(ref, id_hash, header)
        for root in self._roots:
            cipher = _sign_in_cipher(root, ref, id_hash)
            try:
                opened = cipher.decrypt(nonce, about, context)
            except _NOT_THIS_KEY:
                continue
            return SignIn.unpack(opened, header.format)
        raise Unreadable

    def seal_pending(self, token: SessionToken, content: bytes) -> bytes:
        """Return the sealed content of a pending sign-in; as a payload's, its key needs the cookie."""
        nonce = os.urandom(_NONCE_BYTES)
        cipher = _cipher(self._roots[0], b"pending", token.value)
        return nonce + cipher.encrypt(nonce, content, f"{token.ref}:{token.id_hash}".encode())

    def open_pending(self, token: SessionToken, sealed: bytes) -> bytes:
        """Return what `seal_pending` sealed under this token. Raises Unreadable."""
        context = f"{token.ref}:{token.id_hash}".encode()
        for root in self._roots:
            cipher = _cipher(root, b"pending", token.value)
            try:
                return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context)
            except _NOT_THIS_KEY:
                continue
        raise Unreadable

    def seal_snapshot(self, ref: str, snapshot: UserSnapshot) -> bytes:
        """Return a snapshot's value: kind, active flag and epoch in clear for the scripts, then the profile."""
        header = b"\1" + bytes((snapshot.active,)) + snapshot.epoch.to_bytes(4, "big")
        nonce = os.urandom(_NONCE_BYTES)
        profile = _deflate(snapshot.profile_json.encode())
        return (
            header + nonce + _snapshot_cipher(self._roots[0], ref).encrypt(nonce, profile, header)
        )

    def open_snapshot(self, ref: str, value: bytes) -> UserSnapshot:
        """Return the snapshot in `value`. Raises Unreadable."""
        header, nonce = (
            value[:_SNAPSHOT_HEADER],
            value[_SNAPSHOT_HEADER : _SNAPSHOT_HEADER + _NONCE_BYTES],
        )
        sealed = value[_SNAPSHOT_HEADER + _NONCE_BYTES :]
        for root in self._roots:
            try:
                profile = _inflate(_snapshot_cipher(root, ref).decrypt(nonce, sealed, header))
            except _NOT_THIS_KEY:
                continue
            return UserSnapshot(
                int.from_bytes(header[2:], "big"), bool(header[1]), profile.decode()
            )
        raise Unreadable


def session_codec() -> SessionCodec:
    """Return the codec with the keys of the settings."""
    return _codec_with(options().session_keys)


@cache
def _codec_with(keys: tuple[Key, ...]) -> SessionCodec:
    return SessionCodec(keys)


def _parts(body: bytes) -> tuple[bytes, bytes, bytes]:
    """Return nonce, sign-in part and payload. Both parts share the nonce: their keys differ."""
    start = _NONCE_BYTES + 1
    end = start + body[_NONCE_BYTES]
    return body[:_NONCE_BYTES], body[start:end], body[end:]


def _sign_in_context(ref: str, id_hash: str, header: Header) -> bytes:
    sealed = header.without_times() if header.format == FORMAT_1 else header.pack()
    return f"{ref}:{id_hash}".encode() + sealed


def _payload_context(token: SessionToken, header: Header, about: bytes) -> bytes:
    context = f"{token.ref}:{token.id_hash}".encode() + header.without_times()
    return context + about if header.format == FORMAT_1 else context


def _payload_cipher(root: bytes, token: SessionToken) -> AESGCM:
    return _cipher(root, b"payload", token.value)


def _sign_in_cipher(root: bytes, ref: str, id_hash: str) -> AESGCM:
    # Stored records depend on this purpose, which has its name from format 1.
    return _cipher(root, b"client", f"{ref}:{id_hash}")


def _snapshot_cipher(root: bytes, ref: str) -> AESGCM:
    return _cipher(root, b"card", ref)


def _cipher(root: bytes, purpose: bytes, context: str) -> AESGCM:
    """Derive a key by keyed BLAKE2b (RFC 7693), a third of the time that HMAC takes here."""
    return AESGCM(blake2b(context.encode(), digest_size=32, key=root, person=purpose).digest())


def _deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(level=9, wbits=-12, memLevel=1, zdict=SNAPSHOT_DICTIONARY)
    return packer.compress(data) + packer.flush()


def _inflate(data: bytes) -> bytes:
    return zlib.decompressobj(wbits=-12, zdict=SNAPSHOT_DICTIONARY).decompress(data)

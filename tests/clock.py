"""Time travel for sessions and throttles: it moves stored times into the past instead of sleeping.

Redis' clock is the only clock of the engine, so a session of `seconds` ago is one whose times
(and index entry, and expiry) are `seconds` earlier. Times are sealed, so they are sealed again with
the server's key. From outside the services: `python -m tests.clock SECONDS`, in their environment.
"""

import struct
import sys
from dataclasses import replace
from typing import Any

import django

from auth_api.sessions.codec import SessionCodec
from auth_api.sessions.records import FORMAT_1, RECORD_HEADER_BYTES, Header, SessionRecord, SignIn

_TIMES = struct.Struct(">III")
_OFFSET = 14  # created, authenticated and last seen are adjacent (records.py)
_NONCE_BYTES = 12


def age_sessions(client: Any, seconds: int) -> None:
    """Make every stored session `seconds` older, as the passing of time would."""
    from auth_api.sessions.codec import session_codec

    codec = session_codec()
    for key in list(client.scan_iter("gh:{*")):
        if b":s:" in key:
            _age_record(client, codec, key, seconds)
        elif key.endswith(b":index"):
            _age_index(client, key, seconds)


def _age_record(client: Any, codec: SessionCodec, key: bytes, seconds: int) -> None:
    value, expires = client.get(key), client.pexpiretime(key)
    if value is None:
        return
    record = SessionRecord.unpack(value)
    times = _TIMES.pack(*(t - seconds for t in _TIMES.unpack_from(value, _OFFSET)))
    head = value[:_OFFSET] + times + value[_OFFSET + _TIMES.size : RECORD_HEADER_BYTES]
    older = SessionRecord.unpack(head + record.body).header
    client.set(key, head + _sealed_anew(codec, key, record, older, seconds))
    client.pexpireat(key, expires - seconds * 1000)


def _sealed_anew(
    codec: SessionCodec, key: bytes, record: SessionRecord, older: Header, seconds: int
) -> bytes:
    """Return the body with its sign-in part sealed again under the `older` header."""
    body = record.body
    if record.header.format == FORMAT_1:
        return body
    ref, id_hash = key.decode().split("{")[1].split("}:s:")
    sign_in = _older(codec.open_sign_in(ref, id_hash, record.header, body), seconds)
    about = codec.seal_sign_in(body[:_NONCE_BYTES], ref, id_hash, older, sign_in)
    start = _NONCE_BYTES + 1
    return body[:_NONCE_BYTES] + bytes((len(about),)) + about + body[start + body[_NONCE_BYTES] :]


def _older(sign_in: SignIn, seconds: int) -> SignIn:
    shown = tuple(s._replace(at=s.at - seconds if s.at else 0) for s in sign_in.shown)
    return replace(sign_in, shown=shown)


def _age_index(client: Any, key: bytes, seconds: int) -> None:
    expires = client.pexpiretime(key)
    for member in client.zrange(key, 0, -1):
        if member != b"e":
            client.zincrby(key, -seconds * 1000, member)
    client.pexpireat(key, expires - seconds * 1000)


def age_throttles(client: Any, seconds: int) -> None:
    """Make every counter of the throttles `seconds` older, so that it expires sooner."""
    for key in list(client.scan_iter("gh:throttle:*")):
        expires = client.pexpiretime(key)
        assert expires > 0, "a counter that never expires"
        client.pexpireat(key, expires - seconds * 1000)


if __name__ == "__main__":
    django.setup()
    from auth_api.sessions.redis.connections import connection

    age_sessions(connection(), int(sys.argv[1]))

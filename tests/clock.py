"""Time travel, for sessions and throttles: not by sleeping, but by moving what is stored into the past.

Redis' clock is the only clock of the engine, so a session of `seconds` ago is one whose stamps
(and index entry, and expiry) are `seconds` earlier.
"""

import struct
from typing import Any

_STAMPS = struct.Struct(">III")
_OFFSET = 14  # created, authenticated, last seen stand behind the fixed header (records.py)


def age_sessions(client: Any, seconds: int) -> None:
    """Make every stored session `seconds` older, as the passing of time would."""
    for key in list(client.scan_iter("gh:{*")):
        if b":s:" in key:
            _age_record(client, key, seconds)
        elif key.endswith(b":index"):
            _age_index(client, key, seconds)


def _age_record(client: Any, key: bytes, seconds: int) -> None:
    value, expires = client.get(key), client.pexpiretime(key)
    if value is None:
        return
    stamps = (stamp - seconds for stamp in _STAMPS.unpack_from(value, _OFFSET))
    end = _OFFSET + _STAMPS.size
    client.set(key, value[:_OFFSET] + _STAMPS.pack(*stamps) + value[end:])
    client.pexpireat(key, expires - seconds * 1000)


def _age_index(client: Any, key: bytes, seconds: int) -> None:
    expires = client.pexpiretime(key)
    for member in client.zrange(key, 0, -1):
        if member != b"e":
            client.zincrby(key, -seconds * 1000, member)
    client.pexpireat(key, expires - seconds * 1000)


def age_throttles(client: Any, seconds: int) -> None:
    """Make every counter of the throttles `seconds` older: it runs out so much sooner."""
    for key in list(client.scan_iter("gh:throttle:*")):
        expires = client.pexpiretime(key)
        assert expires > 0, "a counter that never runs out"
        client.pexpireat(key, expires - seconds * 1000)

"""Encodes session data compactly: the keys of every signed-in session are not spelled out."""

import zlib
from typing import Any
from uuid import UUID

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.serializers import JSONSerializer

from .exceptions import SessionStoreUnavailable
from .login import user_backend

# The first byte says how the rest is written.
_LOGIN = 1  # 16 bytes follow: the user's id; backend and epoch are the usual ones
_DEFLATED = 2  # the JSON at the end is deflated
_UUID_BYTES = 16
_WORTH_DEFLATING = 120  # bytes

_json = JSONSerializer()


def pack_payload(data: dict[str, Any], epoch: int) -> bytes:
    """Return `data` as bytes; `epoch` is the one in the record's header.

    JSON, never pickle. Raises TypeError for what JSON cannot hold.
    """
    kind, head, rest = 0, b"", data
    if (user := _usual_login(data, epoch)) is not None:
        kind, head = _LOGIN, user.bytes
        login = (SESSION_KEY, BACKEND_SESSION_KEY, HASH_SESSION_KEY)
        rest = {key: value for key, value in data.items() if key not in login}
    text = _json.dumps(rest) if rest else b""
    if len(text) > _WORTH_DEFLATING:
        kind, text = kind | _DEFLATED, zlib.compress(text)
    return bytes((kind,)) + head + text


def unpack_payload(payload: bytes, epoch: int) -> dict[str, Any]:
    """Return the data in `payload` as a new dictionary.

    Raises SessionStoreUnavailable for a payload that only a newer release can read.
    """
    kind, text, data = payload[0], payload[1:], {}
    if kind & ~(_LOGIN | _DEFLATED):
        raise SessionStoreUnavailable("payload of a newer release")
    if kind & _LOGIN:
        user, text = text[:_UUID_BYTES].hex(), text[_UUID_BYTES:]
        data = {
            SESSION_KEY: f"{user[:8]}-{user[8:12]}-{user[12:16]}-{user[16:20]}-{user[20:]}",
            BACKEND_SESSION_KEY: user_backend(),
            HASH_SESSION_KEY: str(epoch),
        }
    if text:
        data.update(_json.loads(zlib.decompress(text) if kind & _DEFLATED else text))
    return data


def is_plain_login(payload: bytes) -> bool:
    """Whether the payload is that of a signed-in session without any other data, as of nearly all."""
    return payload[0] == _LOGIN and len(payload) == 1 + _UUID_BYTES


def _usual_login(data: dict[str, Any], epoch: int) -> UUID | None:
    if data.get(HASH_SESSION_KEY) != str(epoch):
        return None
    if data.get(BACKEND_SESSION_KEY) != user_backend():
        return None
    try:
        user = UUID(data[SESSION_KEY])
    except (KeyError, ValueError, AttributeError, TypeError):
        return None
    return user if str(user) == data[SESSION_KEY] else None

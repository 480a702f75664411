"""Parses and builds the values that the engine stores in Redis."""

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, replace
from ipaddress import ip_address
from socket import AF_INET, AF_INET6, inet_ntop
from typing import NamedTuple

from .tokens import SessionToken

# The scripts read the same bytes (scripts/prelude.lua). The header is known when the body is sealed, and
# is bound to it; the scripts write the stamps that follow it.
_HEADER = struct.Struct(">BBIIIII")
_STAMPS = struct.Struct(">II")
HEADER_BYTES = _HEADER.size
RECORD_HEADER_BYTES = HEADER_BYTES + _STAMPS.size
_SHORTEST_BODY = 13  # the nonce, and the length of what follows it (codec.py)

FORMAT = 2
# The top bit of the revision. The scripts set it when a session is used again after an hour (prelude.lua).
_WAS_IDLE = 1 << 31
# The format of earlier releases: its times are not sealed, and it has no id of the sign-in.
FORMAT_1 = 1
_TIMELESS = 14  # bytes of the header before its times

METHODS = ("pwd", "otp", "webauthn", "recovery")  # stored as an index into this tuple: append only
SECOND_FACTORS = frozenset({"otp", "webauthn", "recovery"})
_SIGN_IN_ID_BYTES = 12
_LONGEST_DEVICE = 120  # bytes


class DamagedRecord(ValueError):
    """The bytes were not written by any release."""


class NewerRecord(ValueError):
    """The record was written by a newer release: this one cannot tell whether it is valid."""


class Flag:
    """Bits of a record's header. Plain numbers: enum's arithmetic costs more than a decryption."""

    BOUND = 1  # belongs to a user: has an index entry and a snapshot
    REMEMBER = 2
    ADMIN = 4  # made for the admin's door; a site session opens no admin, and the reverse


class Header(NamedTuple):
    """The part of a record that the scripts read, in the clear.

    `idle` and `lifetime` are seconds; `lifetime` counts from `authenticated_at`. Times are Unix
    seconds by Redis' clock.
    """

    format: int
    flags: int
    idle: int
    lifetime: int
    epoch: int
    created_at: int
    authenticated_at: int

    @property
    def bound(self) -> bool:
        """Whether the session belongs to a user."""
        return bool(self.flags & Flag.BOUND)

    @property
    def remember(self) -> bool:
        """Whether the user asked to stay signed in."""
        return bool(self.flags & Flag.REMEMBER)

    def pack(self) -> bytes:
        """Return the bytes that Redis' scripts read."""
        return _HEADER.pack(*self)

    def without_times(self) -> bytes:
        """Return the packed bytes before the times, which the scripts change."""
        return _HEADER.pack(*self)[:_TIMELESS]


class Shown(NamedTuple):
    """An authentication method and when it was last used: Unix seconds, 0 if unknown."""

    method: str
    at: int


@dataclass(frozen=True)
class SignIn:
    """How and where a session was started. Sealed; readable without the session's cookie.

    `id` identifies the sign-in for the whole session, across token renewals: it is the handle of the
    first token ("" in a record of format 1). `shown` has each method once.
    """

    id: str = ""
    address: str = ""
    device: str = ""
    shown: tuple[Shown, ...] = ()

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that were shown, as `amr` names them (RFC 8176)."""
        return tuple([shown.method for shown in self.shown])

    @property
    def last_shown_at(self) -> int:
        """When the user last authenticated; 0 if unknown."""
        return max((shown.at for shown in self.shown), default=0)

    def after_idleness(self) -> "SignIn":
        """Return it with second factors that no longer count: their times are unknown."""
        shown = tuple(s._replace(at=0) if s.method in SECOND_FACTORS else s for s in self.shown)
        return replace(self, shown=shown)

    def pack(self, record_format: int) -> bytes:
        """Return the bytes that the codec seals."""
        return self._pack_1() if record_format == FORMAT_1 else self._pack_2()

    @classmethod
    def unpack(cls, data: bytes, record_format: int) -> "SignIn":
        """Return what `pack` wrote. Raises DamagedRecord."""
        return cls._unpack_1(data) if record_format == FORMAT_1 else cls._unpack_2(data)

    def _pack_2(self) -> bytes:
        times = b"".join(
            bytes((METHODS.index(method),)) + at.to_bytes(4, "big") for method, at in self.shown
        )
        address = _pack_address(self.address)
        return (
            bytes((len(self.shown),)) + times + _pack_id(self.id)
            + bytes((len(address),)) + address + self.device.encode()[:_LONGEST_DEVICE]
        )  # fmt: skip

    @classmethod
    def _unpack_2(cls, data: bytes) -> "SignIn":
        shown, at = [], 1
        for _ in range(data[0]):
            if data[at] < len(METHODS):  # ignore a method that only a newer release knows
                moment = int.from_bytes(data[at + 1 : at + 5], "big")
                shown.append(Shown(METHODS[data[at]], moment))
            at += 5
        sign_in, at = data[at : at + _SIGN_IN_ID_BYTES], at + _SIGN_IN_ID_BYTES
        address, at = data[at + 1 : at + 1 + data[at]], at + 1 + data[at]
        return cls(_unpack_id(sign_in), _unpack_address(address), _text(data[at:]), tuple(shown))

    def _pack_1(self) -> bytes:
        address = _pack_address(self.address)
        bits = sum(1 << METHODS.index(method) for method in self.methods)
        return bytes((bits, len(address))) + address + self.device.encode()[:_LONGEST_DEVICE]

    @classmethod
    def _unpack_1(cls, data: bytes) -> "SignIn":
        end = 2 + data[1]
        shown = tuple(Shown(name, 0) for bit, name in enumerate(METHODS) if data[0] & 1 << bit)
        return cls("", _unpack_address(data[2:end]), _text(data[end:]), shown)


def _pack_id(handle: str) -> bytes:
    return urlsafe_b64decode(handle) if handle else bytes(_SIGN_IN_ID_BYTES)


def _unpack_id(data: bytes) -> str:
    return urlsafe_b64encode(data).decode() if any(data) else ""


def _pack_address(address: str) -> bytes:
    try:
        return ip_address(address).packed
    except ValueError:
        return b""


def _unpack_address(data: bytes) -> str:
    return inet_ntop(AF_INET if len(data) == 4 else AF_INET6, data) if data else ""


def _text(data: bytes) -> str:
    return data.decode(errors="ignore")  # a long name may be cut in the middle of a character


class SessionRecord(NamedTuple):
    """One session's record: header and stamps in clear, body sealed. Times are Unix seconds."""

    header: Header
    last_seen_at: int
    revision: int
    body: bytes

    @classmethod
    def unpack(cls, value: bytes) -> "SessionRecord":
        """Read a record. Raises DamagedRecord or NewerRecord."""
        if value and value[0] > FORMAT:
            raise NewerRecord
        if len(value) < RECORD_HEADER_BYTES + _SHORTEST_BODY or value[0] < FORMAT_1:
            raise DamagedRecord
        header = Header(*_HEADER.unpack_from(value))
        seen, revision = _STAMPS.unpack_from(value, HEADER_BYTES)
        return cls(header, seen, revision, value[RECORD_HEADER_BYTES:])

    @property
    def was_idle(self) -> bool:
        """Whether it went unused for an hour, some time after its body was sealed."""
        return self.revision >= _WAS_IDLE

    @property
    def absolute_expires_at(self) -> int:
        """When the session ends whatever happens, in Unix seconds."""
        return self.header.authenticated_at + self.header.lifetime

    @property
    def idle_expires_at(self) -> int:
        """When the session ends without use, in Unix seconds."""
        return min(self.last_seen_at + self.header.idle, self.absolute_expires_at)


class UserSnapshot(NamedTuple):
    """What validation must know of a user; the database owns it, Redis caches it."""

    epoch: int
    active: bool
    profile_json: str


class Client(NamedTuple):
    """Who sent the request, by the client's own and the BFF's word: shown in lists, never trusted."""

    address: str = ""
    user_agent: str = ""


class NewSession(NamedTuple):
    """How a session that is about to be made starts.

    `methods` are those that the user has just authenticated by, `shown` the ones of before, with
    their times; `sign_in_id` is the id of the sign-in that it continues, "" for a new one. `pending`
    is the id hash of the pending sign-in that it completes, "" for none.
    """

    remember: bool = False
    methods: tuple[str, ...] = ()
    sign_in_id: str = ""
    shown: tuple[Shown, ...] = ()
    pending: str = ""

    @property
    def has_second_factor(self) -> bool:
        """Whether the sign-in has shown more than the password."""
        methods = {*self.methods, *(shown.method for shown in self.shown)}
        return bool(methods & SECOND_FACTORS)


class ValidSession(NamedTuple):
    """A session found valid: its token and record, both parts opened, and its user's snapshot.

    `now` is the time by Redis' clock at which it was found valid, in Unix seconds.
    """

    token: SessionToken
    record: SessionRecord
    sign_in: SignIn
    payload: bytes
    snapshot: UserSnapshot | None
    now: int

    @property
    def bound(self) -> bool:
        """Whether it is a user's."""
        return self.record.header.bound

    @property
    def sign_in_id(self) -> str:
        """The id of its sign-in, kept through renewals, which change the handle."""
        return self.sign_in.id or self.token.handle  # format 1 has none

    def __repr__(self) -> str:
        return "<ValidSession>"  # a payload must never be logged

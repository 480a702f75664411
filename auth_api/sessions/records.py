"""The values that the engine reads from Redis, as Python sees them."""

import struct
from dataclasses import dataclass
from ipaddress import ip_address
from typing import NamedTuple

# The scripts pack and unpack the same two runs of bytes (scripts/prelude.lua): the fixed part is
# known when the body is sealed and is authenticated with it, the stamps are written by the scripts.
_FIXED = struct.Struct(">BBIII")
_HEADER = struct.Struct(">BBIIIIIII")
HEADER_BYTES = _HEADER.size
_SHORTEST_BODY = 13  # the nonce, and the length of what follows it (codec.py)
FORMAT = 1

_METHODS = ("pwd", "otp", "webauthn")


class Flag:
    """Bits of a record's header. Plain numbers: enum's arithmetic costs more than a decryption."""

    BOUND = 1  # belongs to a user: has an index entry and a card
    REMEMBER = 2
    ADMIN = 4  # made for the admin's door; a site session opens no admin, and the reverse


class FixedHeader(NamedTuple):
    """What a record's scripts must know of it and what its body is bound to.

    `idle` and `lifetime` are seconds; `lifetime` counts from the time of authentication.
    """

    flags: int
    idle: int
    lifetime: int
    epoch: int

    @property
    def bound(self) -> bool:
        return bool(self.flags & Flag.BOUND)

    @property
    def remember(self) -> bool:
        return bool(self.flags & Flag.REMEMBER)

    def pack(self) -> bytes:
        return _FIXED.pack(FORMAT, self.flags, self.idle, self.lifetime, self.epoch)


@dataclass(frozen=True)
class ClientInfo:
    """Where a session was started from, for the user's list of sessions."""

    address: str = ""
    device: str = ""
    methods: tuple[str, ...] = ()

    def pack(self) -> bytes:
        try:
            packed = ip_address(self.address).packed
        except ValueError:
            packed = b""
        bits = sum(1 << _METHODS.index(method) for method in self.methods)
        return bytes((bits, len(packed))) + packed + self.device.encode()

    @classmethod
    def unpack(cls, data: bytes) -> "ClientInfo":
        end = 2 + data[1]
        address = str(ip_address(data[2:end])) if data[1] else ""
        methods = tuple(name for bit, name in enumerate(_METHODS) if data[0] & 1 << bit)
        return cls(address, data[end:].decode(), methods)


class SessionRecord(NamedTuple):
    """One session's record: header in clear, body sealed. Times are Unix seconds."""

    fixed: FixedHeader
    created_at: int
    authenticated_at: int
    last_seen_at: int
    revision: int
    body: bytes

    @classmethod
    def unpack(cls, value: bytes) -> "SessionRecord":
        """Read a record. Raises ValueError for bytes of another format."""
        if len(value) < HEADER_BYTES + _SHORTEST_BODY or value[0] != FORMAT:
            raise ValueError("not a session record of this format")
        _, flags, idle, lifetime, epoch, created, authenticated, seen, revision = (
            _HEADER.unpack_from(value)
        )
        fixed = FixedHeader(flags, idle, lifetime, epoch)
        return cls(fixed, created, authenticated, seen, revision, value[HEADER_BYTES:])

    @property
    def absolute_expires_at(self) -> int:
        return self.authenticated_at + self.fixed.lifetime

    @property
    def idle_expires_at(self) -> int:
        return min(self.last_seen_at + self.fixed.idle, self.absolute_expires_at)


class UserCard(NamedTuple):
    """What validation must know of a user; the database owns it, Redis caches it."""

    epoch: int
    active: bool
    profile_json: str


class SessionSummary(NamedTuple):
    """One session as its user may see it. Carries no secret. Times are Unix seconds."""

    handle: str
    current: bool
    created_at: int
    last_seen_at: int
    idle_expires_at: int
    absolute_expires_at: int
    ip: str
    user_agent: str
    remember: bool
    methods: tuple[str, ...]
    auth_time: int

    @classmethod
    def of(
        cls, record: SessionRecord, client: ClientInfo, *, handle: str, current: bool
    ) -> "SessionSummary":
        return cls(
            handle=handle,
            current=current,
            created_at=record.created_at,
            last_seen_at=record.last_seen_at,
            idle_expires_at=record.idle_expires_at,
            absolute_expires_at=record.absolute_expires_at,
            ip=client.address,
            user_agent=client.device,
            remember=record.fixed.remember,
            methods=client.methods,
            auth_time=record.authenticated_at,
        )


class ValidSession(NamedTuple):
    """The engine's answer "valid": the record as of now, its opened payload, and its user's card."""

    record: SessionRecord
    payload: bytes
    card: UserCard | None

    def __repr__(self) -> str:
        return "<ValidSession>"  # a payload belongs into no log

"""Decides which connections a worker keeps when it, or one client address, has too many."""

import ipaddress
from collections import Counter
from typing import Protocol

_UNFINISHED = 16  # connections of one address whose request has not come completely
_FEW = 8  # connections: a browser's six, its event stream, and one more
_PROXIES = frozenset({"127.0.0.1", "::1"})  # on this host: they speak for many clients


class Connection(Protocol):
    """One client connection.

    `address`: that of the client, None if it is unknown. `idle`: it was answered, and has no request.
    """

    address: str | None
    idle: bool

    def evict(self) -> None:
        """End it under whoever waits for the client."""


def client_of(peer: object) -> str | None:
    """Return what counts as one client, from the address that accept() returned.

    IPv6: the /64, the smallest network that one customer gets. None for a proxy on this host and
    for a socket file, whose peers speak for many.
    """
    if not isinstance(peer, tuple):
        return None
    address = ipaddress.ip_address(str(peer[0]).partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if str(address) in _PROXIES:
        return None
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((address, 64), strict=False))


class Admission:
    """The connections of one worker.

    `room`: the most connections in all; `share`: the most of one address, of which at most
    `_UNFINISHED` may be unfinished.

    A connection counts as waiting while the worker can do nothing but wait for its client: for a
    request, for its body, or until the client reads. Only these can be closed to make room: whatever
    else is under way ends by itself.
    """

    def __init__(self, *, room: int, share: int) -> None:
        self._room, self._share = room, share
        self._count = 0
        self._of: Counter[str] = Counter()
        # In the order in which they began to wait, and the address that each counts as unfinished for.
        self._waiting: dict[Connection, str | None] = {}
        self._unfinished: Counter[str] = Counter()

    def has_room(self, address: str | None) -> bool:
        """Whether a connection of `address` may come in; another may be closed for it."""
        if address is not None and (
            self._unfinished[address] >= _UNFINISHED or self._of[address] >= self._share
        ):
            return False
        return self._count < self._room or self._make_room(address)

    def admit(self, connection: Connection) -> None:
        """Count `connection`, which waits."""
        address = connection.address
        self._count += 1
        if address is not None:
            self._of[address] += 1
        self.wait(connection)

    def leave(self, connection: Connection) -> None:
        """Forget `connection`, which `admit` has counted."""
        self.go_on(connection)
        self._count -= 1
        if (address := connection.address) is not None:
            self._of[address] -= 1
            if not self._of[address]:
                del self._of[address]

    def wait(self, connection: Connection) -> None:
        """Note that from now on `connection` waits for its client."""
        self.go_on(connection)
        counted = None if connection.idle else connection.address
        self._waiting[connection] = counted
        if counted is not None:
            self._unfinished[counted] += 1

    def go_on(self, connection: Connection) -> None:
        """Note that it waits no longer."""
        if (counted := self._waiting.pop(connection, None)) is not None:
            self._unfinished[counted] -= 1
            if not self._unfinished[counted]:
                del self._unfinished[counted]

    def _make_room(self, address: str | None) -> bool:
        """Close the connection that has waited longest, of those of the address that has most.

        So a flood displaces itself. An address that has most itself gets no room, which costs less
        than to take another of its connections in; unless it has a few only.
        """
        own = self._of[address] if address is not None else 0
        if own > _FEW and own >= max(self._of.values()):
            return False
        longest = max(self._waiting, key=self._weight, default=None)  # the first of equals
        if longest is None:
            return False
        self.go_on(longest)
        longest.evict()
        return True

    def _weight(self, connection: Connection) -> int:
        return self._of[connection.address] if connection.address is not None else 0

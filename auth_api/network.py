"""Groups client addresses into networks, for throttles and for recognizing places."""

import ipaddress

from gatehouse.forwarded import plain_address

# What one customer of a provider holds (RFC 6177): a /64, a /56 or a /48, narrowest first.
_PREFIXES = (64, 56, 48)


def network_of(address: str) -> str:
    """Return what one client holds: an IPv4 address, or the /64 of an IPv6 one."""
    return networks_of(address)[0]


def networks_of(address: str) -> tuple[str, ...]:
    """Return the networks of `address` that throttles count, narrowest first.

    IPv4: the address alone. IPv6: its /64, /56 and /48, because a client may hold any of them.
    """
    found = plain_address(address)
    if found is None:
        return (address,)
    if found.version == 4:
        return (str(found),)
    return tuple(str(ipaddress.ip_network((found, bits), strict=False)) for bits in _PREFIXES)


def wider_network_of(address: str) -> str:
    """Return where a household or office is likely to be tomorrow: the /24, or the /48 of IPv6."""
    try:
        found = ipaddress.ip_address(network_of(address).partition("/")[0])
    except ValueError:
        return address
    return str(ipaddress.ip_network((found, 24 if found.version == 4 else 48), strict=False))

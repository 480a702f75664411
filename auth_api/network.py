"""Groups client addresses into networks, for throttles and for recognizing places."""

import ipaddress


def network_of(address: str) -> str:
    """Return what one client holds: an IPv4 address, or the /64 of an IPv6 one."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 4:
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))


def wider_network_of(address: str) -> str:
    """Return where a household or office is likely to be tomorrow: the /24, or the /48 of IPv6."""
    try:
        found = ipaddress.ip_address(network_of(address).partition("/")[0])
    except ValueError:
        return address
    return str(ipaddress.ip_network((found, 24 if found.version == 4 else 48), strict=False))

"""Checks that auth_api listens on a private address. It imports no Django, since auth_api/gunicorn.py uses it."""

import ipaddress
import socket

HINT = "Set AUTH_API_BIND to loopback or to the address of a private network."


def is_private(host: str) -> bool:
    """Whether nobody on the internet reaches `host`: an address, `[address]`, or a name by what it resolves to.

    False for every interface (0.0.0.0, ::, empty), and for what cannot be understood.
    """
    try:
        found = socket.getaddrinfo(host.strip("[]") or "0.0.0.0", None)  # noqa: S104 - as gunicorn reads it
    except (OSError, UnicodeError):
        return False
    addresses = [ipaddress.ip_address(str(info[4][0]).partition("%")[0]) for info in found]
    return all(a.is_private and not a.is_unspecified for a in addresses)

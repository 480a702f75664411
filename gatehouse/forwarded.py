"""Reads what reverse proxies report about the client: X-Forwarded-For and X-Forwarded-Proto.

Proxies write addresses in several ways: with a port (Azure, IIS, HAProxy), in brackets (RFC 7239, 6), with a
zone, or IPv4 mapped into IPv6 (dual-stack listeners; RFC 4291, 2.5.5.2).
"""

import re
from collections.abc import Mapping, MutableMapping
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

import structlog

from .logging import Interval

_BRACKETS = re.compile(r"\[([^\[\]]*)\](:[0-9]{1,5})?", re.ASCII)
_IPV4_AND_PORT = re.compile(r"([0-9.]+):[0-9]{1,5}", re.ASCII)
_NAT64 = ip_network("64:ff9b::/96")  # RFC 6052: a translator's IPv4 clients
_LONGEST_SHOWN = 200  # characters of a header in the log
_REPORTS = Interval(60)  # seconds: clients must not flood the log
_log = structlog.get_logger("gatehouse")
_SECURE = frozenset({"https", "wss"})  # Traefik says wss of a WebSocket


def plain_address(text: str) -> IPv4Address | IPv6Address | None:
    """Return the address in `text`, without port, brackets, quotes or zone; None if it is no address.

    An IPv4 address inside an IPv6 one (mapped, or of a NAT64) is returned as IPv4.
    """
    text = text.strip().strip('"')
    match = _BRACKETS.fullmatch(text) or _IPV4_AND_PORT.fullmatch(text)
    try:
        found = ip_address((match[1] if match else text).partition("%")[0])
    except ValueError:
        return None
    if isinstance(found, IPv4Address):
        return found
    if found in _NAT64:
        return IPv4Address(int(found) & 0xFFFFFFFF)
    return found.ipv4_mapped or found


def forwarded_address(header: str, hops: int) -> str | None:
    """Return the client's address: the one that the first of `hops` trusted proxies wrote, `hops` from the right.

    Everything further left was written by the client. None if the header is shorter, or if it has no
    address there: then the proxies are not what the setting says.
    """
    chain = header.split(",")
    found = plain_address(chain[-hops]) if 0 < hops <= len(chain) else None
    return None if found is None else str(found)


def client_address(meta: Mapping[str, Any], hops: int, variable: str) -> str:
    """Return the peer's address, or with `hops` trusted proxies the client's.

    If there is no address, the peer counts: all clients of that proxy then share one throttle, so the log
    says so. `variable` sets `hops`.
    """
    peer = str(meta.get("REMOTE_ADDR", ""))
    if hops < 1:
        return peer
    header = str(meta.get("HTTP_X_FORWARDED_FOR", ""))
    found = forwarded_address(header, hops)
    if found is None:
        _report_unusable(header, hops, peer, variable)
        return peer
    return found


def _report_unusable(header: str, hops: int, peer: str, variable: str) -> None:
    if _REPORTS.is_due():
        _log.error(
            "forwarded_for.unusable",
            header=header[:_LONGEST_SHOWN],
            hops=hops,
            peer=peer,
            effect="all clients of this proxy share one throttle",
            mend="make each proxy add the client's address to X-Forwarded-For, and set "
            f"{variable} to the number of proxies",
        )


def normalize_scheme(meta: MutableMapping[str, Any]) -> None:
    """Write X-Forwarded-Proto as Django compares it: in lower case, and https for a secure WebSocket."""
    if given := meta.get("HTTP_X_FORWARDED_PROTO"):
        first = str(given).partition(",")[0].strip().lower()
        meta["HTTP_X_FORWARDED_PROTO"] = "https" if first in _SECURE else first

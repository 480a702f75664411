"""Parsers for the values of environment variables, each with the words for its error message.

No error contains the value, which may be a secret.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.utils import getaddresses
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Generic, TypeVar
from urllib.parse import urlsplit

import idna

from .default_ports import DEFAULT_PORTS
from .keys import Key, parse_keys

T = TypeVar("T")
SUFFIX_GRAMMAR = "[a-z0-9]{1,16}"
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_BYTES = {"": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}


@dataclass(frozen=True)
class Kind(Generic[T]):
    """One kind of value: `words` follows "must be"; `parse` raises ValueError for an invalid text."""

    words: str
    parse: Callable[[str], T]


def choice(*allowed: str) -> Kind[str]:
    """One of `allowed`."""

    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError
        return text

    return Kind(f"one of {', '.join(allowed)}", parse)


def number(low: int, high: int) -> Kind[int]:
    """A whole number."""
    return Kind(f"a whole number from {low} to {high}", _between(low, high, {"": 1}))


def duration(low: str, high: str) -> Kind[int]:
    """Seconds, written as a whole number with s, m, h or d; without a unit, seconds."""
    parse = _between(_amount(low, _SECONDS), _amount(high, _SECONDS), _SECONDS)
    return Kind(f"a duration from {low} to {high}, such as 90s, 30m, 12h or 7d", parse)


def size(low: str, high: str) -> Kind[int]:
    """Bytes, written as a whole number with KiB, MiB or GiB; without a unit, bytes."""
    parse = _between(_amount(low, _BYTES), _amount(high, _BYTES), _BYTES)
    return Kind(f"a size from {low} to {high}, such as 64KiB, 64MiB or 1GiB", parse)


def _between(low: int, high: int, units: Mapping[str, int]) -> Callable[[str], int]:
    def parse(text: str) -> int:
        amount = _amount(text, units)
        if not low <= amount <= high:
            raise ValueError
        return amount

    return parse


def _amount(text: str, units: Mapping[str, int]) -> int:
    match = re.fullmatch(r"([0-9]{1,15})([A-Za-z]*)", text)
    if match is None or match[2] not in units:
        raise ValueError
    return int(match[1]) * units[match[2]]


def _suffix(text: str) -> str:
    if text and not re.fullmatch(SUFFIX_GRAMMAR, text, re.ASCII):
        raise ValueError
    return text


def _items(text: str) -> list[str]:
    items = [item.strip() for item in text.split(",") if item.strip()]
    if (
        text and not items
    ):  # otherwise `,` would count as not set, and nobody would need a second factor
        raise ValueError
    return items


def _module_name(text: str) -> str:
    if not all(part.isidentifier() for part in text.split(".")):
        raise ValueError
    return text


def _readable_file(text: str) -> str:
    if text and not (Path(text).is_file() and os.access(text, os.R_OK)):
        raise ValueError
    return text


def ascii_host(host: str) -> str:
    """Return `host`, a name or an address, as browsers write it: lower case, in A-labels (RFC 5891).

    An IPv6 address has brackets. Raises ValueError.
    """
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        if re.fullmatch(r"[A-Za-z0-9_.-]{1,253}", host, re.ASCII):
            return host.lower()
        return idna.encode(host, uts46=True).decode()  # IDNAError is a ValueError
    return f"[{address}]" if isinstance(address, IPv6Address) else str(address)


def _host_names(text: str) -> list[str]:
    return [_host_name(item) for item in _items(text)]


def _host_name(item: str) -> str:
    if item == "*":  # a system check refuses it, and a leading dot
        return item
    dot = "." if item.startswith(".") else ""
    return dot + ascii_host(item.removeprefix("."))


def _domains(text: str) -> frozenset[str]:
    """Return domains of addresses as they are stored (auth_api.users.addresses): exact, no wildcard."""
    found = frozenset(ascii_host(item) for item in _items(text))
    if any(not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", d) or d[-1].isdigit() for d in found):
        raise ValueError
    return found


def _origin(text: str) -> str:
    """Return an origin as browsers write it in an Origin header (RFC 6454, 6.2)."""
    parts = urlsplit(text)
    host, port = ascii_host(parts.hostname or ""), parts.port
    extra = parts.username or parts.query or parts.fragment or parts.path not in ("", "/")
    if extra or parts.scheme not in DEFAULT_PORTS or re.search(r"\s", text):
        raise ValueError
    usual = port is None or port == DEFAULT_PORTS[parts.scheme]
    return f"{parts.scheme}://{host}" + ("" if usual else f":{port}")


def _http_url(text: str) -> str:
    url = text.rstrip("/")
    if not url:
        return ""
    if not re.fullmatch(r"https?://[^/?#@\s]+(/[^?#\s]*)?", url):
        raise ValueError
    urlsplit(url).port  # noqa: B018 - raises ValueError
    return url


def _bind_address(text: str) -> str:
    bare = text.strip("[]")
    return f"[{IPv6Address(bare)}]" if ":" in bare else text


def _display_name(text: str) -> str:
    """Return a name that fits in a mail's From and Subject, a page's title and the label of an app's code.

    `:` would end the issuer in an otpauth:// label.
    """
    if len(text) > 60 or not text.isprintable() or re.search(r'[<>":]', text):
        raise ValueError
    return text


def _line(text: str) -> str:
    if len(text) > 200 or not text.isprintable():
        raise ValueError
    return text


def _group_names(text: str) -> list[str]:
    """Return names of groups, which Django stores with at most 150 characters."""
    names = _items(text)
    if any(len(name) > 150 for name in names):
        raise ValueError
    return names


def _sender(text: str) -> str:
    addresses = [address for _, address in getaddresses([text])]
    if len(addresses) != 1 or "@" not in addresses[0] or re.search(r"[\r\n]", text):
        raise ValueError
    try:
        Address(addr_spec=addresses[0])
    except (HeaderParseError, IndexError) as error:
        raise ValueError from error
    return text


TEXT: Kind[str] = Kind("text", str)
LINE: Kind[str] = Kind("at most 200 printable characters", _line)
LIST: Kind[list[str]] = Kind("a comma-separated list", _items)
GROUPS: Kind[list[str]] = Kind(
    "a comma-separated list of names of groups, with at most 150 characters each", _group_names
)
KEYS: Kind[tuple[Key, ...]] = Kind(
    "`<id>:<secret of 32 or more characters>`; separate several with commas, newest first",
    parse_keys,
)
SUFFIX: Kind[str] = Kind("at most 16 lower-case letters (a to z) and digits", _suffix)
MODULE: Kind[str] = Kind("the dotted name of a module, such as shop.settings", _module_name)
FOLDER: Kind[Path] = Kind("a folder", lambda text: Path(text).resolve())
FILE: Kind[str] = Kind("a file that the service can read", _readable_file)
ORIGIN: Kind[str] = Kind("an origin such as https://example.com, without a path", _origin)
URL: Kind[str] = Kind("an http:// or https:// URL without user, query or fragment", _http_url)
HOSTS: Kind[list[str]] = Kind(
    "a comma-separated list of host names, without scheme, port or path", _host_names
)
DOMAINS: Kind[frozenset[str]] = Kind(
    "a comma-separated list of domains such as example.com, without @ or wildcard", _domains
)
ADDRESS: Kind[str] = Kind("an address or a host name, without a port", _bind_address)
DISPLAY_NAME: Kind[str] = Kind(
    'at most 60 printable characters without `<`, `>`, `"` or `:`', _display_name
)
SENDER: Kind[str] = Kind(
    "one address, such as `Example Shop <noreply@shop.example>`; put a name with a comma in quotes",
    _sender,
)

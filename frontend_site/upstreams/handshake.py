"""The opening handshake of a WebSocket (RFC 6455, 4), towards the browser and towards the service."""

import base64
import re
from collections.abc import Mapping
from hashlib import sha1

from gevent.socket import socket as GreenSocket

from frontend_site.site_request import SiteRequest
from frontend_site.transport.answer import Head

_TO_SERVICE = ("Sec-WebSocket-Version", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions")
_TO_BROWSER = ("Sec-WebSocket-Accept", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions")
_KEY = re.compile(r"[A-Za-z0-9+/]{22}==", re.ASCII)  # 16 bytes
_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3
_BODY = ("content-length", "transfer-encoding")


class BadHandshake(ValueError):
    """A handshake without what RFC 6455, 4.1 demands, or with a body."""


def is_handshake(request: SiteRequest) -> bool:
    """Whether the browser asks for a WebSocket, and our server lets us have its connection."""
    upgrade = request.META.get("HTTP_UPGRADE", "").strip().lower()
    sock = request.META.get("gunicorn.socket")
    return upgrade == "websocket" and isinstance(sock, GreenSocket)


def handshake_key(request: SiteRequest) -> str:
    """Return the key of a handshake. Raises BadHandshake."""
    meta = request.META
    options = [option.strip().lower() for option in meta.get("HTTP_CONNECTION", "").split(",")]
    key: str = meta.get("HTTP_SEC_WEBSOCKET_KEY", "")
    has_body = meta.get("CONTENT_LENGTH", "") not in ("", "0") or "HTTP_TRANSFER_ENCODING" in meta
    is_well_formed = "upgrade" in options and _KEY.fullmatch(key) and not has_body
    if request.method != "GET" or meta.get("SERVER_PROTOCOL") != "HTTP/1.1" or not is_well_formed:
        raise BadHandshake
    return key


def headers_to_service(request: SiteRequest) -> dict[str, str]:
    """Return what the handshake adds to the headers of a call."""
    given = {name: request.headers.get(name, "") for name in _TO_SERVICE}
    passed = {name: value for name, value in given.items() if value}
    return {"Sec-WebSocket-Key": handshake_key(request), **passed}


def headers_to_browser(head: Head) -> Mapping[str, str]:
    """Return the headers of a 101 that the service's answer gives."""
    given = {name: head.get(name.lower()) for name in _TO_BROWSER}
    passed = {name: value for name, value in given.items() if value}
    return {"Connection": "Upgrade", "Upgrade": "websocket", **passed}


def accepts(head: Head, key: str) -> bool:
    """Whether a 101 is the answer of a WebSocket server to `key`.

    Without this, a service that can be made to answer 101 to anything would give a browser a connection
    on which it can send requests of its own, with headers that we never saw.
    """
    expected = base64.b64encode(sha1(f"{key}{_GUID}".encode()).digest())  # noqa: S324 - the RFC's
    return (
        head.get("upgrade").lower() == "websocket"
        and head.get("sec-websocket-accept") == expected.decode()
        and not any(head.get(name) for name in _BODY)
    )

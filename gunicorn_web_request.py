"""How the public site's gunicorn reads requests: a plain GET by a table, everything else as gunicorn does.

It has no setting for that, so a worker calls `read_plain_gets_by_table()` when it starts.
"""

import io
import sys
from typing import Any

from gunicorn.http import wsgi
from gunicorn.http.message import Request
from gunicorn.http.parser import RequestParser

from gunicorn_plain_get import header_table, read_plain_get

_LONGEST = 4094  # bytes of a head; the request line's own limit (gunicorn_web.py)
_TABLE = header_table(
    "Host", "Connection", "User-Agent", "Accept", "Accept-Encoding", "Accept-Language", "Cookie",
    "Referer", "Cache-Control", "Pragma", "Priority", "DNT", "Sec-GPC", "Upgrade-Insecure-Requests",
    "Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest", "Sec-Fetch-User", "Sec-CH-UA",
    "Sec-CH-UA-Mobile", "Sec-CH-UA-Platform", "X-CSRF-Token", "X-Forwarded-For",
    "X-Forwarded-Host", "X-Forwarded-Method", "X-Forwarded-Port", "X-Forwarded-Proto",
    "X-Forwarded-Server", "X-Forwarded-Uri", "X-Real-IP", "X-Request-ID", "Via",
)  # fmt: skip
_CLOSES = {"close": True, "keep-alive": False}
_gunicorns_create = wsgi.create


class WebRequest(Request):  # type: ignore[misc]
    """A request; `plain` is what the table read, None when gunicorn's parser did."""

    plain: dict[str, Any] | None = None

    def __init__(self, cfg: Any, unreader: Any, peer_addr: Any, req_number: int = 1) -> None:
        head = unreader.read()
        plain = read_plain_get(head, _TABLE) if len(head) <= _LONGEST else None
        closes = _CLOSES.get(plain.get("HTTP_CONNECTION", "keep-alive").lower()) if plain else None
        if plain is None or closes is None or not isinstance(peer_addr, tuple):  # a Unix socket
            unreader.unread(head)
            super().__init__(cfg, unreader, peer_addr, req_number)
            return
        # What gunicorn's Response and its parser of the next request ask for.
        self.plain = plain
        self.method, self.version = "GET", (1, 1)
        self.uri = plain["RAW_URI"]
        self.path, self.query = plain["PATH_INFO"], plain["QUERY_STRING"]
        self.scheme = "https" if cfg.is_ssl else "http"
        self.must_close = closes
        self.headers: list[tuple[str, str]] = []
        self.body = io.BytesIO()
        self.proxy_protocol_info = None
        self.peer_addr = self.remote_addr = peer_addr

    def should_close(self) -> bool:
        return self.must_close if self.plain else bool(super().should_close())


def _create(
    req: Any, sock: Any, client: Any, server: Any, cfg: Any, *rest: Any, **named: Any
) -> tuple[Any, dict[str, Any]]:
    """`gunicorn.http.wsgi.create`: the answer to fill in, and the WSGI environment."""
    plain = getattr(req, "plain", None)
    if plain is None:
        made: tuple[Any, dict[str, Any]]
        made = _gunicorns_create(req, sock, client, server, cfg, *rest, **named)
        return made
    environ = {
        **plain,
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": req.scheme,
        "wsgi.input": req.body,
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": wsgi.FileWrapper,
        "gunicorn.socket": sock,
    }
    return wsgi.Response(req, sock, cfg), environ


def read_plain_gets_by_table(cfg: Any) -> None:
    """Replace how this process reads requests, unless an option of gunicorn wants to know more of each.

    The PROXY protocol speaks for all requests of a connection, and access logs may show any header.
    """
    logs = (cfg.accesslog, cfg.logconfig, cfg.logconfig_dict, cfg.logconfig_json, cfg.syslog)
    if cfg.proxy_protocol != "off" or any(logs):
        return
    RequestParser.mesg_class = WebRequest
    wsgi.create = _create

"""gunicorn settings that both services share, and the responses to requests that gunicorn rejects."""

import json
import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from ssl import SSLError
from typing import Any

from gunicorn import util
from gunicorn.arbiter import Arbiter
from gunicorn.http import errors
from gunicorn.workers.base import Worker

from . import metrics_folder, variables
from .env import Env
from .handover import announce_reload
from .security_headers import COMMON, NO_PAGE
from .workers import stop_after_notice

__all__ = [
    "accesslog",
    "child_exit",
    "control_socket_disable",
    "forwarded_allow_ips",
    "forwarder_headers",
    "graceful_timeout",
    "header_map",
    "loglevel",
    "on_exit",
    "on_reload",
    "secure_scheme_headers",
    "timeout",
    "when_ready",
]

os.environ.setdefault("GATEHOUSE_ENV", "production")
ENV = Env()

graceful_timeout = ENV.read(variables.GRACE)  # seconds, for requests in progress
timeout = 30
accesslog = None
loglevel = "warning"
forwarder_headers = ""  # nobody may set SCRIPT_NAME or PATH_INFO by a header
forwarded_allow_ips = "127.0.0.1"
secure_scheme_headers: dict[str, str] = {}
header_map = "drop"  # names with an underscore are look-alikes
control_socket_disable = True

_log = logging.getLogger("gunicorn.error")
_HEADERS = {
    **COMMON,
    "Connection": "close",
    "Content-Type": "application/problem+json",
    "Cache-Control": "no-store",
    "Content-Security-Policy": NO_PAGE,
    "Referrer-Policy": "no-referrer",
}
_ADVICE = b"""<!doctype html>
<html lang="en">
  <head><meta charset="utf-8"><title>Too many cookies</title></head>
  <body>
    <h1>Too many cookies</h1>
    <p>Your browser sent more cookies than this site accepts (8 KB), so the page could not be shown.</p>
    <p>Delete the cookies of this site in your browser's settings, then open the page again and sign in.</p>
    <p>If it happens again, tell the operator of this site: another application on this host name, or on
    its parent domain, sets too many cookies.</p>
  </body>
</html>
"""
# The first that fits; every other ParseException is a 400.
_STATUSES: Mapping[type[Exception], HTTPStatus] = {
    errors.InvalidResponseHeader: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.InvalidResponseHeaderName: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    errors.UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
    errors.ForbiddenProxyRequest: HTTPStatus.FORBIDDEN,
    errors.ParseException: HTTPStatus.BAD_REQUEST,
    SSLError: HTTPStatus.BAD_REQUEST,
}


def on_reload(server: Arbiter) -> None:
    """After SIGHUP, before the new workers start."""
    announce_reload(server.worker_age)


def when_ready(server: Arbiter) -> None:
    """Before the first worker starts: let SIGTERM take this service out of a load balancer first."""
    stop_after_notice(server, ENV.read(variables.LAME_DUCK))


def child_exit(server: Arbiter, worker: Worker) -> None:
    """After a worker ended, before another starts: the gauges of one that was killed must not stay."""
    metrics_folder.forget_worker(worker.pid)


def on_exit(server: Arbiter) -> None:
    """Delete the metrics of the workers, which have all ended."""
    metrics_folder.remove()


class PlainRefusals:
    """For a worker class: what gunicorn refuses by itself has our headers and repeats nothing of it.

    gunicorn's own answer is HTML without a security header, with a part of the request in it, and it
    logs that part, in which a token may stand.
    """

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer `exc` on socket `client`, and log its kind. gunicorn closes the connection."""
        status = _status_of(exc)
        if status == HTTPStatus.INTERNAL_SERVER_ERROR:
            _log.error("Error handling request", exc_info=exc)
        else:
            _log.warning("Refused: no HTTP request that we take (%s)", type(exc).__name__)
        with suppress(Exception):  # the client left, or does not read
            util.write_nonblock(client, refusal(status))


def _status_of(exc: BaseException) -> HTTPStatus:
    fitting = (status for kind, status in _STATUSES.items() if isinstance(exc, kind))
    return next(fitting, HTTPStatus.INTERNAL_SERVER_ERROR)


def _document(status: HTTPStatus) -> bytes:
    return json.dumps({"type": "about:blank", "title": status.phrase, "status": status}).encode()


def refusal(status: HTTPStatus, extra: Mapping[str, str] | None = None) -> bytes:
    """Return a problem document (RFC 9457; about:blank: the status says it all) with its head.

    A page with advice for a browser with too many cookies, which could not open anything else.
    """
    body, headers = _document(status), dict(_HEADERS)
    if (
        status == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
    ):  # a person's browser: scripts send no such headers
        body, headers["Content-Type"] = _ADVICE, "text/html; charset=utf-8"
    headers |= {**(extra or {}), "Content-Length": str(len(body))}
    lines = [f"HTTP/1.1 {status:d} {status.phrase}", *(f"{n}: {v}" for n, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body

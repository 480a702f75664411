"""Structured logs without secrets: event names are `noun.verb`, values are fields."""

import json
import logging
import re
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TextIO

import structlog

from frontend_site.current_request import current_request

_SECRET_NAMES = re.compile(r"cookie|authorization|password|secret|token|key", re.IGNORECASE)
_TOKEN = re.compile(
    r"[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]{43}"  # session token
    r"|[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"  # CSRF token
    r"|v1\.[a-z0-9]+\.\d+\.[A-Za-z0-9_-]+"  # service token
    r"|(?<=token=)[^&\s\"']+"  # mailed token in a query
)
_HIDDEN = "[redacted]"
_REQUEST_LINE = (
    '{"method": %(method)s, "path": %(path)s, "status": %(status)d, "milliseconds": %(milliseconds)d, '
    '"event": "%(event)s", "request_id": %(request_id)s, "level": "%(level)s", "timestamp": "%(timestamp)s"}'
)


@dataclass
class RequestLog:
    """Where the lines about requests go."""

    stream: TextIO
    as_json: bool = True
    wanted: bool = False


request_log = RequestLog(sys.stderr)


def redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide values with secret names, and anything that looks like one of our tokens."""
    for name, value in event.items():
        if _SECRET_NAMES.search(name):
            event[name] = _HIDDEN
        elif isinstance(value, str):
            event[name] = _TOKEN.sub(_HIDDEN, value)
    return event


def log_request(*, method: str, path: str, status: int, milliseconds: int, request_id: str) -> None:
    """Write one line about a request.

    By hand, past structlog's pipe and logging's records: it is written for every request.
    """
    if not request_log.wanted:
        return
    as_json = request_log.as_json
    # json escapes control characters, as the other pipe does: one event is one line.
    quoted = json.dumps if as_json else str
    event = {
        "method": quoted(method),
        "path": quoted(_TOKEN.sub(_HIDDEN, path)),
        "status": status,
        "milliseconds": milliseconds,
        "event": "request.finished",
        "request_id": quoted(request_id),
        "level": "info",
        "timestamp": datetime.now(UTC).isoformat(timespec="microseconds")[:26] + "Z",
    }
    line = _REQUEST_LINE % event if as_json else _one_line(None, "", event)
    with suppress(
        OSError, ValueError
    ):  # nobody reads the log any more: that is no reason for a 500
        request_log.stream.write(f"{line}\n")


def _name_request(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Add which request an event belongs to."""
    request = current_request.get()
    if request is not None:
        event.setdefault("request_id", request.request_id)
    return event


def configure_logging(*, as_json: bool, level: str) -> None:
    """Send structlog's and the standard library's records through one redacting pipe to stderr."""
    shared: list[Any] = [
        _name_request,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    # Both renderers escape control characters: one event is one line, whatever a client sent.
    final: Any = structlog.processors.JSONRenderer() if as_json else _one_line
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, final],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    request_log.as_json = as_json
    request_log.wanted = logging.getLogger().isEnabledFor(logging.INFO)
    # Refusals are our own events; Django's would repeat them, with the path and its query.
    logging.getLogger("django.request").setLevel(logging.ERROR)


def _one_line(_: Any, __: str, event: MutableMapping[str, Any]) -> str:
    head = f"{event.pop('timestamp')} {event.pop('level', ''):<8} {event.pop('event')!s}"
    fields = " ".join(f"{name}={value!r}" for name, value in event.items())
    return f"{head} {fields}".replace("\r", "\\r").replace("\n", "\n    ").rstrip()

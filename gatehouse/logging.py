"""Structured logs without secrets: one line per event, with a `noun.verb` name and fields."""

import json
import logging
import re
import sys
import time
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TextIO

import structlog

from .redaction import redact, without_tokens
from .request_id import current_request

# Line ends and all else that a terminal obeys.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# Requests of which people at a terminal want no line, unless they fail.
_QUIET = ("/static/", "/healthz", "/readyz", "/metrics")
_render_json = structlog.processors.JSONRenderer()
_encode = json.JSONEncoder().encode


@dataclass
class RequestLog:
    """Where the lines about requests go: past the standard library's records, as there are so many."""

    stream: TextIO
    render: Callable[[dict[str, Any]], str] = _encode
    wanted: bool = False


request_log = RequestLog(sys.stderr)


class Interval:
    """Lets one event in so many `seconds` into the log, where clients could otherwise flood it."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next = 0.0

    def is_due(self) -> bool:
        """Whether the event is to be logged now."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + self._seconds
        return True


def log_request(*, method: str, path: str, status: int, milliseconds: int, request_id: str) -> None:
    """Write one line about a request. Only method and path come from the client, so only they may contain a token."""
    if not request_log.wanted:
        return
    event = {
        "method": without_tokens(method),
        "path": without_tokens(path),
        "status": status,
        "milliseconds": milliseconds,
        "event": "request.finished",
        "request_id": request_id,
        "level": "info",
        "timestamp": datetime.now(UTC).isoformat(timespec="microseconds")[:26] + "Z",
    }
    line = request_log.render(event)
    if not line:
        return
    try:
        request_log.stream.write(f"{line}\n")
    except (OSError, ValueError):
        return  # the log has no reader: that is no reason for a 500


def configure_logging(*, as_json: bool, level: str) -> None:
    """Send structlog's and the standard library's records through one redacting pipe to stderr.

    `as_json` False is for people at a terminal.
    """
    shared: list[Any] = [
        _name_request,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    render: Any = _render_json if as_json else one_line
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
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    handler.addFilter(_without_trace_of_refusal)
    logging.basicConfig(handlers=[handler], level=level, force=True)
    request_log.render = _encode if as_json else request_line
    request_log.wanted = logging.getLogger().isEnabledFor(logging.INFO)
    # Refusals and outages are our own events; Django's would repeat them, with the path and its query.
    # Only its lines with a traceback stay, except those of outages: nobody else logs these faults.
    logging.getLogger("django.request").addFilter(_is_unexpected)


def _is_unexpected(record: logging.LogRecord) -> bool:
    """Whether Django logs a fault: an exception that is neither a refusal (4xx) nor an outage (503)."""
    status = getattr(record, "status_code", 500)
    return bool(record.exc_info) and status >= 500 and status != 503


def _without_trace_of_refusal(record: logging.LogRecord) -> bool:
    """Let one line say which SuspiciousOperation was refused (400): a traceback would look like a fault."""
    if record.name.startswith("django.security."):
        record.exc_info = None
    return True


def _name_request(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Add which request an event belongs to, and whose."""
    request = current_request.get()
    if request is not None:
        event.setdefault("request_id", request.request_id)
        if address := getattr(request, "client_address", ""):
            event.setdefault("address", address)
    return event


def one_line(_: object, __: str, event: MutableMapping[str, Any]) -> str:
    """Render for people: control characters escaped; only a traceback has lines of its own, indented."""
    trace = str(event.pop("exception", ""))
    head = f"{_time_of(event)} {event.pop('level', ''):<8} {event.pop('event')!s}"
    fields = " ".join(f"{name}={value!r}" for name, value in event.items())
    lines = [f"{head} {fields}".rstrip(), *(f"    {line}" for line in trace.splitlines())]
    # A record's own text may hold anything; its line ends must not start a line that looks like ours.
    return "\n".join(_harmless(line) for line in lines)


def request_line(event: MutableMapping[str, Any]) -> str:
    """Render a request for people: short, and "" for files and probes that were answered."""
    path, status = str(event["path"]), int(event["status"])
    failed = status >= 500
    if path.startswith(_QUIET) and (not failed or path == "/readyz"):
        return ""
    line = f"{_time_of(event)} {'error' if failed else 'info':<8} {event['method']} {path} {status}"
    which = f" request_id={event['request_id']!r}" if failed else ""
    return _harmless(f"{line} in {event['milliseconds']} ms{which}")


def _time_of(event: MutableMapping[str, Any]) -> str:
    """Return the local time of day: whoever watches the terminal knows the date."""
    moment = datetime.fromisoformat(str(event.pop("timestamp")))
    return f"{moment.astimezone():%H:%M:%S}"


def _harmless(line: str) -> str:
    return _CONTROL.sub(lambda found: repr(found[0])[1:-1], line)

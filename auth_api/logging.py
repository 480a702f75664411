"""Structured logs without secrets: event names are `noun.verb`, values are fields."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from auth_api.current_request import current_request

_SECRET_NAMES = re.compile(r"cookie|authorization|password|secret|token|key", re.IGNORECASE)
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]{43}|v1\.[a-z0-9]+\.\d+\.[A-Za-z0-9_-]+")
_HIDDEN = "[redacted]"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide values with secret names, and anything that looks like one of our tokens."""
    for name, value in event.items():
        if name.startswith("_"):  # structlog's own, removed before printing
            continue
        event[name] = _HIDDEN if _SECRET_NAMES.search(name) else _cleaned(value)
    return event


def _cleaned(value: Any) -> Any:
    match value:
        case dict():
            return redact(None, "", {str(name): inner for name, inner in value.items()})
        case list() | tuple():
            return [_cleaned(inner) for inner in value]
        case None | bool() | int() | float():
            return value
    return _TOKEN.sub(_HIDDEN, str(value))


def _name_request(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Add which request an event belongs to, and whose."""
    request = current_request.get()
    if request is not None:
        event.setdefault("request_id", request.request_id)
        event.setdefault("address", request.client_address)
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
    # Refusals and outages are our own events; Django's would repeat them, with the path and its query.
    # What it logs with a traceback was raised outside of views, and nobody else logs that.
    logging.getLogger("django.request").addFilter(_has_traceback)


def _has_traceback(record: logging.LogRecord) -> bool:
    return bool(record.exc_info)


def _one_line(_: Any, __: str, event: MutableMapping[str, Any]) -> str:
    """For people: control characters escaped, only a traceback has lines of its own, indented."""
    trace = str(event.pop("exception", ""))
    head = f"{event.pop('timestamp')} {event.pop('level', ''):<8} {event.pop('event')!s}"
    fields = " ".join(f"{name}={value!r}" for name, value in event.items())
    lines = [f"{head} {fields}".rstrip(), *(f"    {line}" for line in trace.splitlines())]
    # A record's own text may hold anything; its line ends must not start a line that looks like ours.
    return "\n".join(_CONTROL.sub(lambda found: repr(found[0])[1:-1], line) for line in lines)

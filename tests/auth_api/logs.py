"""What auth_api really wrote to its log: through the whole pipe, redaction included."""

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from structlog.stdlib import ProcessorFormatter


@contextmanager
def logged() -> Iterator[list[dict[str, Any]]]:
    """Fill a list with the events of the block, as they stood in the log."""
    handler = next(
        found
        for found in logging.getLogger().handlers
        if isinstance(found, logging.StreamHandler)
        and isinstance(found.formatter, ProcessorFormatter)
    )
    text, events = io.StringIO(), list[dict[str, Any]]()
    before = handler.setStream(text)
    try:
        yield events
    finally:
        handler.setStream(before)  # type: ignore[arg-type]
        events.extend(json.loads(line) for line in text.getvalue().splitlines())


def names_of(events: list[dict[str, Any]]) -> list[str]:
    return [event["event"] for event in events]

"""Removes secrets from logs (ASVS 16.2.5), by field name and by the format of tokens."""

import re
from collections.abc import MutableMapping
from functools import lru_cache
from typing import Any

_SECRET_NAMES = re.compile(r"cookie|authorization|password|secret|token|key", re.IGNORECASE)
_DOT = r"(?:\.|%(?:25)*2[Ee])"  # also percent-encoded, once or more often
_TOKEN = re.compile(
    rf"[A-Za-z0-9_-]{{22}}{_DOT}[A-Za-z0-9_-]{{22}}{_DOT}[A-Za-z0-9_-]{{43}}"  # CSRF token
    rf"|[A-Za-z0-9_-]{{16}}{_DOT}[A-Za-z0-9_-]{{43}}"  # session token
    r"|v1\.[a-z0-9]+\.\d+\.[A-Za-z0-9_-]+"  # service token
    r"|(?:(?<=token=)|(?<=token%3[Dd]))[^&\s\"']+"  # mailed token in a query
)
_HIDDEN = "[redacted]"


def redact(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide values with secret names, and all that looks like one of our tokens, however deep (structlog)."""
    for name, value in event.items():
        if name.startswith("_"):  # structlog's own, removed before printing
            continue
        event[name] = _HIDDEN if _is_secret(name) else _without_tokens(value)
    return event


@lru_cache(maxsize=1024)
def _is_secret(name: str) -> bool:
    return bool(_SECRET_NAMES.search(name))


def _without_tokens(value: Any) -> Any:
    match value:
        case dict():
            return redact(None, "", {str(name): inner for name, inner in value.items()})
        case list() | tuple() | set() | frozenset():
            return [_without_tokens(inner) for inner in value]
        case None | bool() | int() | float():
            return value
    return without_tokens(str(value))


def without_tokens(text: str) -> str:
    """Return `text` with all that looks like one of our tokens hidden."""
    return _TOKEN.sub(_HIDDEN, text)

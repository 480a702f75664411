"""What the site may keep in a user's session: JSON values under text keys, of a limited size.

The site measures it before it sends a change, auth_api when it stores one: a change of another request may
have come between.
"""

import json
from collections.abc import Mapping
from typing import Any

FIELD = "site_data"  # of an answer of auth_api; such an answer never goes to a browser
LIMIT = 16 * 1024  # bytes of compact JSON in UTF-8, keys included
DEPTH = 32  # levels of lists and dicts: JSON of any depth may be written, but not read everywhere


class SiteDataTooLarge(Exception):
    """The data of a session would be longer than LIMIT: nothing of the change is stored."""

    def __init__(self) -> None:
        super().__init__(
            f"request.session would hold more than {LIMIT // 1024} KiB. Store the data in your database, "
            "and keep its id in the session."
        )


def packed(value: object) -> bytes:
    """Return `value` as compact JSON. Raises TypeError for what JSON cannot hold, or only too deep."""
    try:
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(_reason(error)) from None


def require_shallow(value: object) -> None:
    """Raise TypeError for a value of more than DEPTH levels."""
    if not _is_within(value, DEPTH):
        raise TypeError(f"more than {DEPTH} levels of lists and dicts")


def require_size(parts: Mapping[str, bytes]) -> None:
    """Raise SiteDataTooLarge unless an object with these packed values is at most LIMIT bytes long."""
    # Each has a colon and a comma, or instead of the last comma one of the braces; the other is one more.
    length = 1 + sum(len(packed(key)) + len(value) + 2 for key, value in parts.items())
    if length > LIMIT:
        raise SiteDataTooLarge


def _is_within(value: Any, levels: int) -> bool:
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list | tuple):
        return True
    return levels > 0 and all(_is_within(inner, levels - 1) for inner in value)


def _reason(error: Exception) -> str:
    """Return why it is not JSON, without the value: `error` may repeat a part of it."""
    match error:
        case UnicodeEncodeError():
            return "half of a character (a lone surrogate)"
        case RecursionError():
            return f"more than {DEPTH} levels of lists and dicts"
        case _:
            return str(error)

"""Headers that many answers share, set in one step."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponseBase


class PreparedHeaders:
    """Headers with constant ASCII values. `response.headers[name] = value` checks and converts each again."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._store = {name.lower(): (name, value) for name, value in headers.items()}

    def set_on(self, response: HttpResponseBase) -> None:
        response.headers._store.update(self._store)

    def set_where_missing(self, response: HttpResponseBase) -> None:
        store = response.headers._store
        for name, header in self._store.items():
            store.setdefault(name, header)


def set_header(response: HttpResponseBase, name: str, value: str) -> None:
    """Set one header. `value` is our own: ASCII on one line, which nobody checks again here."""
    response.headers._store[name.lower()] = (name, value)


def set_content_length(response: Any) -> None:
    """Say how long the body is, unless that is said already or nobody knows yet (a stream)."""
    if not response.streaming and "content-length" not in response.headers._store:
        set_header(response, "Content-Length", str(len(response.content)))

"""Headers that many answers share, set in one step."""

from collections.abc import Mapping

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

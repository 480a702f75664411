"""The data that the site keeps in a user's session: JSON values under one key of the session's own data.

So they are sealed, renewed and ended with the session. Requests of one session run side by side, so
a change names the keys that it sets and those that it deletes, and leaves the others alone.
"""

from dataclasses import dataclass
from typing import Any

from gatehouse.site_data import packed, require_shallow, require_size

from .payloads import is_plain_login, unpack_payload

KEY = "_site"


@dataclass(frozen=True)
class SiteChange:
    """The keys that a request has set, with their values, and those that it has deleted."""

    changed: dict[str, Any]
    deleted: list[str]

    def applied_to(self, data: dict[str, Any]) -> dict[str, Any]:
        """Return a session's `data` with this change. Raises SiteDataTooLarge, or TypeError for the depth."""
        gone = frozenset(self.deleted)
        kept = {key: value for key, value in data.get(KEY, {}).items() if key not in gone}
        site = {**kept, **self.changed}
        for value in self.changed.values():  # as the site measures it, each by itself
            require_shallow(value)
        require_size({key: packed(value) for key, value in site.items()})
        others = {key: value for key, value in data.items() if key != KEY}
        return {**others, KEY: site} if site else others


def site_data_of(payload: bytes) -> dict[str, Any]:
    """Return the site's data in the payload of a session; empty, at no cost, for most sessions."""
    if is_plain_login(payload):
        return {}
    found: dict[str, Any] = unpack_payload(payload, epoch=0).get(KEY, {})
    return found

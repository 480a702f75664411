"""Where Django's messages are kept until they are shown: in the session of a signed-in user."""

from collections.abc import Iterator
from typing import Any

import structlog
from django.contrib.messages.storage.base import BaseStorage, Message
from django.contrib.messages.storage.session import SessionStorage
from django.http import HttpRequest, HttpResponseBase

_log = structlog.get_logger("frontend_site")


def storage(request: HttpRequest) -> BaseStorage:
    """Return the storage of a request's messages (MESSAGE_STORAGE)."""
    signed_in = getattr(request, "session_token", None) is not None
    if signed_in and hasattr(request, "session"):
        return SessionStorage(request)
    return NoStorage(request)


class NoStorage(BaseStorage):
    """For visitors who are not signed in, and have no session: drops messages, with a warning in the log."""

    def add(self, level: int, message: Any, extra_tags: str | None = "") -> None:
        """Drop a message."""
        _log.warning(
            "message.dropped",
            hint="Only signed-in users have a session that can keep a message. Show it in the page.",
        )

    def update(self, response: HttpResponseBase) -> list[Message]:
        """Return no messages that could not be stored."""
        return []

    def __iter__(self) -> Iterator[Message]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __contains__(self, item: object) -> bool:
        return False

"""The session data that a private page passes to its scripts (docs/reference/events.md)."""

import time
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from markupsafe import Markup, escape

from frontend_site.backend.session_check import SessionCheck

from .times import moment


@dataclass(frozen=True)
class PageSession:
    """Whose session it is, and its end.

    `left`: seconds until `ends`, by this server's clock; the browser's may differ. `final`: at its end
    the session has reached its absolute timeout, so that use does not extend it.
    """

    user: str
    handle: str
    ends: str  # as auth_api writes times
    left: int
    final: bool

    @property
    def attributes(self) -> Markup:
        """These data as attributes of <body>, for its scripts."""
        return Markup(  # noqa: S704 - each value is escaped
            f' data-user="{escape(self.user)}" data-handle="{escape(self.handle)}"'
            f' data-ends="{escape(self.ends)}" data-left="{self.left:d}"'
            f"{' data-final' if self.final else ''}"
        )


def page_session(request: HttpRequest) -> PageSession | None:
    """Return the session that this request was found to have; None when nothing is known. Makes no call."""
    check: SessionCheck | None = getattr(request, "session_check", None)
    if check is None or check.answer is None or not check.answer.tells_who:
        return None
    document = check.answer.document
    try:
        return _read(document["user"], document["session"])
    except (KeyError, TypeError, ValueError):
        return None


def _read(user: dict[str, Any], session: dict[str, Any]) -> PageSession:
    idle, absolute = session["idle_expires_at"], session["absolute_expires_at"]
    ends = min(idle, absolute)  # such texts are in the order of their times
    left = int(moment(ends).timestamp()) - int(time.time())
    return PageSession(str(user["id"]), str(session["handle"]), ends, left, idle >= absolute)

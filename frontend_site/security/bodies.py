"""What bodies a view takes: the decorator that declares it, and what the middleware reads of it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from django.core.exceptions import ImproperlyConfigured

from frontend_site.options import options
from frontend_site.security.endpoints import View, for_views
from frontend_site.site_request import SiteRequest
from gatehouse.kinds import size

V = TypeVar("V")
MULTIPART = "multipart/form-data"
_TYPE = re.compile(r"[a-z0-9.+-]+/[a-z0-9.+-]+", re.ASCII)
_LIMIT = size("1", "1GiB")


@dataclass(frozen=True)
class Body:
    """What a view takes beyond the usual: media types, and how many bytes at most."""

    types: frozenset[str]
    limit: int


def accepts(*types: str, limit: str) -> Callable[[V], V]:
    """Let a view take bodies of these media types, too, and of `limit` ("10MiB") at most.

    `@accepts("multipart/form-data", limit="10MiB")` is for forms with files. Larger bodies than the usual
    64 KiB, and forms with files, are read only after the session has been checked.
    """
    try:
        body = Body(frozenset(types), _LIMIT.parse(limit))
    except ValueError:
        raise ImproperlyConfigured(
            f"accepts: limit must be {_LIMIT.words}, not {limit!r}."
        ) from None
    if wrong := [name for name in types if not _TYPE.fullmatch(name)]:
        raise ImproperlyConfigured(f"accepts: {wrong[0]!r} is not a media type such as text/csv.")

    def mark(view: View) -> View:
        marked: Any = view
        marked.accepted_body = body
        return view

    return for_views(mark)


def body_of(view: View) -> Body | None:
    """Return what a view declares, None for nothing."""
    body: Body | None = getattr(view, "accepted_body", None)
    return body


def content_length(request: SiteRequest) -> int:
    """Return the Content-Length of `request`, 0 without one."""
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0


def media_type(request: SiteRequest) -> str:
    """Return the media type of the body, without parameters, in lower case."""
    return str(request.META.get("CONTENT_TYPE", "")).partition(";")[0].strip().lower()


def is_late(request: SiteRequest) -> bool:
    """Whether the body is read only after the session check: with files, or longer than usual.

    Only a site with apps has the middleware that reads it then (frontend_site.middleware.late_body).
    """
    if not options().apps or not content_length(request):
        return False
    return media_type(request) == MULTIPART or content_length(request) > options().body_limit

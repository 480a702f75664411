"""Rejects requests that no view accepts: too long, or with a wrong method, body or path."""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress

from django.http import HttpResponseBase, UnreadablePostError

from frontend_site import problems
from frontend_site.options import options
from frontend_site.security.endpoints import View, kind_of, methods_of
from frontend_site.security.origin import is_from_elsewhere
from frontend_site.settings.upstreams import Upstream
from frontend_site.site_request import SiteRequest

_SAFE = frozenset({"GET", "HEAD"})
_CHUNK = 65536  # bytes
_LONGEST_DRAIN = 16 * 1024 * 1024  # bytes
_JSON = re.compile(r"application/json(\s*;\s*charset=\"?utf-8\"?)?", re.IGNORECASE)
_FORM = re.compile(r"application/x-www-form-urlencoded(\s*;\s*charset=\"?utf-8\"?)?", re.IGNORECASE)


class RequestShapeMiddleware:
    """Refuses them before a cookie is read, a token checked or auth_api called."""

    def __init__(self, get_response: Callable[[SiteRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: SiteRequest) -> HttpResponseBase:
        if _content_length(request) > options().body_limit and not _upstream(request):
            _drain(request)
            return problems.respond(request, problems.PAYLOAD_TOO_LARGE)
        return self.get_response(request)

    def process_view(
        self, request: SiteRequest, view: View, args: object, kwargs: object
    ) -> HttpResponseBase | None:
        kind = kind_of(view, request.path_info)
        methods = methods_of(view)
        if kind == "upstream" and (upstream := _upstream(request)):
            methods = (*methods, *sorted(upstream.options.methods))
        if request.method not in methods:
            headers = {"Allow": ", ".join(methods)}
            return problems.respond(request, problems.METHOD_NOT_ALLOWED, headers=headers)
        if kind == "json" and not _is_fetch(request):
            return problems.respond(request, problems.NOT_A_FETCH, reason="not-a-fetch")
        if kind == "upstream":
            foreign = is_from_elsewhere(request)
            return problems.respond(request, problems.FORBIDDEN) if foreign else None
        if request.method in _SAFE:
            return None
        if "HTTP_TRANSFER_ENCODING" in request.META:  # Django reads no body without a length
            return problems.respond(request, problems.LENGTH_REQUIRED)
        if not _has_readable_body(request, kind):
            return problems.respond(request, problems.UNSUPPORTED_MEDIA_TYPE)
        return _read_body(request)


def _upstream(request: SiteRequest) -> Upstream | None:
    """Upstreams have a limit of their own, and their bodies are not read here."""
    parts = request.path_info.split("/", 3)
    name = parts[2] if len(parts) == 4 and parts[1] == "api" else ""
    return next((upstream for upstream in options().upstreams if upstream.name == name), None)


def _drain(request: SiteRequest) -> None:
    """Read what is still coming (to a limit): a client that gets cut off never reads our 413."""
    with suppress(UnreadablePostError):
        for _ in range(_LONGEST_DRAIN // _CHUNK):
            if not request.read(_CHUNK):
                return


def _read_body(request: SiteRequest) -> HttpResponseBase | None:
    """Read the whole body here, so that nothing else meets a client that is slow or gone."""
    try:
        request.body  # noqa: B018 - Django keeps it
    except UnreadablePostError as error:
        slow = any(isinstance(cause, TimeoutError) for cause in _causes(error))
        return problems.respond(request, problems.REQUEST_TIMEOUT if slow else problems.BAD_REQUEST)
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield what `error` came from: Django wraps it twice."""
    while error.__cause__ is not None:
        error = error.__cause__
        yield error


def _is_fetch(request: SiteRequest) -> bool:
    """Whether this can be a script of this site (or no browser): never a document, image or script.

    Data that another site could load as code or text is data that it could try to read.
    """
    if request.META.get("HTTP_SEC_FETCH_DEST", "empty") != "empty":
        return False
    return request.method not in _SAFE or not is_from_elsewhere(request)


def _content_length(request: SiteRequest) -> int:
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0


def _has_readable_body(request: SiteRequest, kind: str) -> bool:
    if not _content_length(request):
        return True  # nothing to read: whether that will do is for the view to say
    content_type = request.META.get("CONTENT_TYPE", "")
    return bool((_JSON if kind == "json" else _FORM).fullmatch(content_type))

"""Rejects requests that no view accepts: too long, or with a wrong method, body or path."""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import structlog
from django.http import HttpResponse, HttpResponseBase, UnreadablePostError
from django.urls import Resolver404, resolve

from frontend_site import problems
from frontend_site.options import options
from frontend_site.security.bodies import body_of, content_length, is_late, media_type
from frontend_site.security.endpoints import View, kind_of, methods_of
from frontend_site.security.origin import is_from_elsewhere
from frontend_site.settings.upstreams import Upstream
from frontend_site.site_request import SiteRequest
from gatehouse.problems import Problem

_SAFE = frozenset({"GET", "HEAD"})
_CHUNK = 65536  # bytes
_LONGEST_DRAIN = 16 * 1024 * 1024  # bytes
_JSON = re.compile(r"application/json(\s*;\s*charset=\"?utf-8\"?)?", re.IGNORECASE)
_FORM = re.compile(r"application/x-www-form-urlencoded(\s*;\s*charset=\"?utf-8\"?)?", re.IGNORECASE)
_DOCS = "(docs/how-to/adopting.md)"
_log = structlog.get_logger("frontend_site")


class RequestShapeMiddleware:
    """Refuses them before a cookie is read, a token checked or auth_api called."""

    def __init__(self, get_response: Callable[[SiteRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: SiteRequest) -> HttpResponseBase:
        if "CONTENT_LENGTH" in request.META:
            length = content_length(request)
            if length > options().body_limit and not _upstream(request):
                limit = _limit_for(request)
                if length > limit:
                    _drain(request)
                    return problems.respond(request, _too_large(limit))
        return self.get_response(request)

    def process_view(
        self, request: SiteRequest, view: View, args: object, kwargs: object
    ) -> HttpResponseBase | None:
        kind = kind_of(view, request.path_info)
        methods = methods_of(view)
        if request.method not in methods:
            if kind == "upstream" and (upstream := _upstream(request)):
                methods = (*methods, *sorted(upstream.options.methods))
            if request.method not in methods:
                return _refuse_method(request, view, kind, methods)
        if kind == "json" and not _is_fetch(request):
            return problems.respond(request, problems.NOT_A_FETCH, reason="not-a-fetch")
        if kind == "upstream":
            foreign = is_from_elsewhere(request)
            return problems.respond(request, problems.FORBIDDEN) if foreign else None
        if kind == "webhook":
            _forget_cookies(request)
        if request.method in _SAFE:
            return None
        if "HTTP_TRANSFER_ENCODING" in request.META:  # Django reads no body without a length
            return problems.respond(request, problems.LENGTH_REQUIRED)
        return _refuse_body(request, view, kind) or (
            None if is_late(request) else read_body(request)
        )


def _limit_for(request: SiteRequest) -> int:
    """Return how many bytes the view takes, before Django asks for it; only long bodies are worth that."""
    try:
        request.resolver_match = resolve(request.path_info)
    except Resolver404:
        return options().body_limit
    declared = body_of(request.resolver_match.func)
    return declared.limit if declared else options().body_limit


def _too_large(limit: int) -> Problem:
    units = ((1024**3, "GiB"), (1024**2, "MiB"), (1024, "KiB"), (1, "bytes"))
    size, unit = next((size, unit) for size, unit in units if limit % size == 0)
    return replace(problems.PAYLOAD_TOO_LARGE, detail=f"Send at most {limit // size} {unit}.")


def _refuse_method(
    request: SiteRequest, view: View, kind: str, methods: tuple[str, ...]
) -> HttpResponse:
    decorator = "endpoint" if kind == "json" else "page"
    hint = f'To take {request.method}, declare: @{decorator}("GET", "{request.method}") {_DOCS}.'
    problem = _with_hint(view, problems.METHOD_NOT_ALLOWED, hint)
    return problems.respond(request, problem, headers={"Allow": ", ".join(methods)})


def _refuse_body(request: SiteRequest, view: View, kind: str) -> HttpResponse | None:
    length, declared = content_length(request), body_of(view)
    if declared and length > declared.limit:
        return problems.respond(request, _too_large(declared.limit))
    if not length:
        return None  # nothing to read: whether that will do is for the view to say
    usual = _FORM if kind in ("page", "probe") else _JSON
    given = media_type(request)[:60]
    if usual.fullmatch(request.META.get("CONTENT_TYPE", "")) or (
        declared and given in declared.types
    ):
        return None
    hint = f'To take {given or "this body"}, declare: @accepts("{given}", limit="10MiB") {_DOCS}.'
    return problems.respond(request, _with_hint(view, problems.UNSUPPORTED_MEDIA_TYPE, hint))


def _with_hint(view: View, problem: Problem, hint: str) -> Problem:
    """Tell the developer of an app what to declare: in the log, and in development in the answer, too."""
    if view.__module__.startswith("frontend_site."):
        return problem
    _log.info("request.undeclared", view=getattr(view, "__qualname__", ""), hint=hint)
    if options().environment != "development":
        return problem
    return replace(problem, detail=f"{problem.detail} {hint}")


def _forget_cookies(request: SiteRequest) -> None:
    """Let the view of a machine see none: a browser that is made to call it brings no authority."""
    request.META.pop("HTTP_COOKIE", None)
    request.session_token = request.csrf_cookie = None


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


def read_body(request: SiteRequest) -> HttpResponseBase | None:
    """Read the whole body here, so that nothing else meets a client that is slow or gone."""
    try:
        request.body  # noqa: B018 - Django keeps it
    except UnreadablePostError as error:
        return problems.unreadable(request, error)
    return None


def _is_fetch(request: SiteRequest) -> bool:
    """Whether this can be a script of this site (or no browser): never a document, image or script.

    Data that another site could load as code or text is data that it could try to read.
    """
    if request.META.get("HTTP_SEC_FETCH_DEST", "empty") != "empty":
        return False
    return request.method not in _SAFE or not is_from_elsewhere(request)

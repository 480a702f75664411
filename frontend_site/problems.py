"""Error responses: problem documents (RFC 9457) below /api/, HTML pages elsewhere."""

import sys
from collections.abc import Iterator, Mapping

import structlog
from django.core.exceptions import RequestDataTooBig
from django.db import OperationalError
from django.http import (
    HttpResponse,
    HttpResponsePermanentRedirect,
    HttpResponseRedirect,
    UnreadablePostError,
)
from django.urls import Resolver404, resolve

from frontend_site.backend.client import AuthApiUnavailable, HostRefused
from frontend_site.backend.session_check import known_user
from frontend_site.metrics import DATABASE_503
from frontend_site.options import options
from frontend_site.pages.rendering import HTML, render
from frontend_site.security.endpoints import kind_of
from frontend_site.security.next_url import login_url
from frontend_site.session_token import SessionToken
from frontend_site.site_apps.database_errors import is_unavailable
from frontend_site.site_request import SiteRequest, is_api
from gatehouse.cookies import SESSION_COOKIE, read_optional_cookie
from gatehouse.problems import Problem, problem_document

from .errors import NoAccess, RecoveryHold, SignInRequired

_log = structlog.get_logger("frontend_site")

BAD_REQUEST = Problem(
    "invalid-request", 400, "Bad request", "The request could not be read, so nothing was changed."
)
UNKNOWN_HOST = Problem(
    "unknown-host", 400, "Unknown host",
    "This site does not serve the host name in the request. Check the address.",
)  # fmt: skip
DUPLICATE_COOKIE = Problem(
    "invalid-request", 400, "Bad request",
    "The request contains one of our cookies more than once. Delete the cookies of this site, "
    "then sign in again.",
)  # fmt: skip
NO_SESSION = Problem("no-session", 401, "No session", "Sign in first.")
SESSION_ENDED = Problem("session-ended", 401, "Session ended", "Sign in again.")
FORBIDDEN = Problem("forbidden", 403, "Not allowed", "You do not have permission for this.")
NOT_A_FETCH = Problem(
    "forbidden", 403, "Not allowed",
    "This address is for scripts of this site. Call it with fetch(); it cannot be opened as a page or "
    "loaded as a file, and no other site can read it.",
)  # fmt: skip
CSRF_FAILED = Problem(
    "csrf-failed", 403, "CSRF check failed",
    "We could not verify that this request came from a page of this site, so nothing was changed. "
    "Reload the page, then try again.",
)  # fmt: skip
CSRF_EXPIRED = Problem(
    "csrf-expired", 403, "Page out of date",
    "You signed in or out after this page was opened. Get a new CSRF token, then send the request again.",
)  # fmt: skip
RECOVERY_HOLD = Problem(
    "recovery-hold", 403, "Not possible yet",
    "A recovery code was used to sign in to your account in the last 24 hours. For your protection, you can do this only when 24 hours have passed since then.",
)  # fmt: skip
NOT_FOUND = Problem("not-found", 404, "Page not found", "There is nothing at this address.")
METHOD_NOT_ALLOWED = Problem(
    "method-not-allowed", 405, "Method not allowed", "This address does not support that method."
)
REQUEST_TIMEOUT = Problem(
    "request-timeout", 408, "Request too slow",
    "The request did not arrive in time, so nothing was changed. Try again, on a faster connection if possible.",
)  # fmt: skip
LENGTH_REQUIRED = Problem(
    "length-required", 411, "Length required", "Send the body with a Content-Length, not in chunks."
)
PAYLOAD_TOO_LARGE = Problem("payload-too-large", 413, "Too large", "Send at most 64 KiB.")
UNSUPPORTED_MEDIA_TYPE = Problem(
    "unsupported-media-type", 415, "Unsupported media type", "Send application/json."
)
UPSTREAM_BODY_TOO_LONG = Problem(
    "payload-too-large", 413, "Too large", "The body is larger than this service accepts."
)
BAD_GATEWAY = Problem(
    "bad-gateway", 502, "Service unreachable",
    "The service behind this address did not answer. Your request may or may not have been processed.",
)  # fmt: skip
REDIRECT_REFUSED = Problem(
    "redirect-refused", 502, "Redirect refused",
    "The service behind this address redirects to an address that is not its own, so the redirect was not "
    "passed on. Your request has reached the service.",
)  # fmt: skip
UPSTREAM_BUSY = Problem(
    "upstream-busy",
    503,
    "Service busy",
    "The service has too many requests in progress. Try again soon.",
)
TOO_MANY_WEBSOCKETS = Problem(
    "too-many-websockets", 429, "Too many connections",
    "You have too many open connections to this service. Close some of its pages, then try again.",
)  # fmt: skip
GATEWAY_TIMEOUT = Problem(
    "gateway-timeout", 504, "Service too slow",
    "The service behind this address took too long. Your request may or may not have been processed.",
)  # fmt: skip
INTERNAL_ERROR = Problem(
    "internal-error", 500, "Something went wrong",
    "The fault is on our side. Try again. If it happens again, send us the request ID.",
)  # fmt: skip
OVERLOADED = Problem(
    "overloaded", 503, "Overloaded", "There are too many requests right now. Try again later."
)
DATABASE_UNAVAILABLE = Problem(
    "database-unavailable", 503, "Temporarily unavailable",
    "The site is too busy, or its database does not answer. You have not been signed out. Try again soon.",
)  # fmt: skip
AUTH_API_UNAVAILABLE = Problem(
    "auth-api-unavailable", 503, "Temporarily unavailable",
    "We cannot check your session right now. You have not been signed out. Try again soon.",
)  # fmt: skip


def respond(
    request: SiteRequest,
    problem: Problem,
    *,
    reason: str = "",
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """Return `problem` as a response: a problem document below /api/, a page elsewhere.

    `reason`: a stable word for programs, a member of the document.
    """
    if is_api(request):
        request_id = getattr(request, "request_id", "")
        extra = {"reason": reason} if reason else None
        return problem_document(problem, request_id, extra=extra, headers=headers)
    response = _page(request, problem)
    for name, value in (headers or {}).items():
        response[name] = value
    return response


def refused() -> Problem:
    """Return the refusal of a path that no access rule opens to the user, with whom to ask."""
    detail = f"You do not have access to this resource. Ask {options().contact} for access."
    return Problem("no-access", 403, "No access", detail)


def respond_to_error(request: SiteRequest, error: Exception) -> HttpResponse | None:
    """Return the response for a domain error, or None for any other exception (Django then answers 500)."""
    match error:
        case HostRefused():  # no wait helps
            return respond(request, INTERNAL_ERROR)
        case AuthApiUnavailable():
            headers = {"Retry-After": str(error.retry_after)}
            return respond(request, AUTH_API_UNAVAILABLE, headers=headers)
        case OperationalError() if is_unavailable(error):
            _log.error("database.unavailable", reason=type(error.__cause__).__name__)
            DATABASE_503.inc()
            return respond(request, DATABASE_UNAVAILABLE, headers={"Retry-After": "2"})
        case SignInRequired():
            return ask_to_sign_in(request, SESSION_ENDED, notice=error.notice)
        case RecoveryHold():
            return respond(request, RECOVERY_HOLD)
        case RequestDataTooBig():
            return respond(request, PAYLOAD_TOO_LARGE)
    return None


def unreadable(request: SiteRequest, error: UnreadablePostError) -> HttpResponse:
    """Return the answer to a client that sends its body too slowly (408), or only a part of it (400)."""
    slow = any(isinstance(cause, TimeoutError) for cause in _causes(error))
    return respond(request, REQUEST_TIMEOUT if slow else BAD_REQUEST)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield what `error` came from: Django wraps it twice."""
    while error.__cause__ is not None:
        error = error.__cause__
        yield error


def ask_to_sign_in(request: SiteRequest, problem: Problem, *, notice: str = "") -> HttpResponse:
    """Redirect to the login page, which leads back; a script gets `problem` (401) instead.

    A GET cannot send a form again: for a form, `next` is its page, not its target.
    """
    match = request.resolver_match
    kind = kind_of(match.func, request.path_info) if match else "page"
    if request.path_info.startswith("/api/") or kind in ("json", "upstream"):
        return respond(request, problem)
    return HttpResponseRedirect(login_url(request, notice=notice), content_type=HTML)


def _page(request: SiteRequest, problem: Problem) -> HttpResponse:
    request.user = known_user(request)
    if not hasattr(request, "session_token"):  # refused before a middleware has read it
        cookie = read_optional_cookie(request.META.get("HTTP_COOKIE", ""), SESSION_COOKIE)
        request.session_token = SessionToken.parse(cookie)
    return render(request, "errors/problem.html", {"problem": problem}, status=problem.status)


def bad_request(request: SiteRequest, exception: Exception) -> HttpResponse:
    return respond(request, BAD_REQUEST)


def permission_denied(request: SiteRequest, exception: Exception) -> HttpResponse:
    return respond(request, refused() if isinstance(exception, NoAccess) else FORBIDDEN)


def page_not_found(request: SiteRequest, exception: Exception) -> HttpResponse:
    """Lead `/login/` to `/login`, and `/notes` to `/notes/`: people type it, and other sites link to it."""
    if target := _page_nearby(request):
        return HttpResponsePermanentRedirect(target, content_type=HTML)
    return respond(request, NOT_FOUND)


def _page_nearby(request: SiteRequest) -> str:
    """Return the page that is meant by a path with a slash too many or too few, with the query; "" if there is none.

    None for a page that is there and says 404: the other one may lead back. None for `//`, which browsers read as
    the start of another site's address.
    """
    path = request.path_info
    if request.method not in ("GET", "HEAD") or request.resolver_match or is_api(request):
        return ""
    if path.startswith("//"):
        return ""
    other = path.rstrip("/") if path.endswith("/") else f"{path}/"
    try:
        match = resolve(other)
    except Resolver404:
        return ""
    query = request.META.get("QUERY_STRING", "")
    is_page = kind_of(match.func, other) == "page"
    return (f"{other}?{query}" if query else other) if is_page else ""


def server_error(request: SiteRequest) -> HttpResponse:
    """Also handle exceptions of middleware, which ProblemMiddleware never sees: for example, an outage."""
    error = sys.exc_info()[1]
    answer = respond_to_error(request, error) if isinstance(error, Exception) else None
    return answer or respond(request, INTERNAL_ERROR)

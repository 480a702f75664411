"""Maps domain errors to problem documents (RFC 9457), in one table."""

from typing import Any

import structlog
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse

from auth_api.database.limits import DatabaseUnavailable
from auth_api.deadline import DeadlinePassed
from auth_api.errors import (
    InvalidCredentials,
    InvalidRequest,
    InvalidToken,
    Overloaded,
    PayloadTooLarge,
    RegistrationClosed,
    ServiceTokenRequired,
    Throttled,
    UnsupportedMediaType,
)
from auth_api.sessions.exceptions import (
    NoSession,
    ReauthenticationRequired,
    SessionEnded,
    SessionLimitReached,
    SessionNotFound,
    SessionStoreUnavailable,
)
from auth_api.users.models import User
from gatehouse.breaker import BreakerOpen
from gatehouse.cookies import DuplicateCookie
from gatehouse.problems import Problem, problem_document

_log = structlog.get_logger("auth_api")


NOT_FOUND = Problem("not-found", 404, "Not found", "There is nothing at this address.")
METHOD_NOT_ALLOWED = Problem(
    "method-not-allowed", 405, "Method not allowed", "Use a method from the Allow header."
)
INTERNAL_ERROR = Problem(
    "internal-error",
    500,
    "Internal error",
    "An unexpected error occurred. Find it in the log by the request ID.",
)
FORBIDDEN = Problem("forbidden", 403, "Forbidden", "This is not allowed.")
BAD_REQUEST = Problem("invalid-request", 400, "Invalid request", "The request could not be read.")

_NO_DATABASE = Problem(
    "database-unavailable", 503, "Database unavailable",
    "The accounts cannot be read right now. Try again soon.", {"Retry-After": "2"},
)  # fmt: skip

_SESSION_ENDED = Problem("session-ended", 401, "Session ended", "Sign in again.")

_TABLE: dict[type[Exception], Problem] = {
    OperationalError: _NO_DATABASE,
    InterfaceError: _NO_DATABASE,
    DeadlinePassed: Problem(
        "deadline-passed", 503, "Deadline passed",
        "The request took too long and was not carried out. Try again soon.", {"Retry-After": "2"},
    ),
    InvalidRequest: Problem("invalid-request", 400, "Invalid request", "Correct the fields that `errors` lists."),
    InvalidToken: Problem(
        "invalid-token", 400, "Invalid token", "The link has already been used, has expired or is incomplete."
    ),
    DuplicateCookie: Problem(
        "invalid-request", 400, "Invalid request", "The request contains a session cookie more than once."
    ),
    ServiceTokenRequired: Problem(
        "service-token-required", 401, "Service token required", "Send a valid service token.",
        {"WWW-Authenticate": "Bearer"},
    ),
    RegistrationClosed: Problem(
        "registration-closed", 403, "Registration closed",
        "An administrator creates accounts or sends invitations.",
    ),
    InvalidCredentials: Problem(
        "invalid-credentials", 401, "Invalid credentials",
        "Incorrect e-mail address or password.",
    ),
    NoSession: Problem("no-session", 401, "No session", "Sign in first."),
    SessionEnded: _SESSION_ENDED,
    User.DoesNotExist: _SESSION_ENDED,  # the account was deleted after the session was checked
    ReauthenticationRequired: Problem(
        "reauthentication-required", 403, "Re-authentication required",
        "Enter your password again, then repeat the request.",
    ),
    SessionNotFound: Problem("not-found", 404, "Not found", "You have no such session."),
    SessionLimitReached: Problem(
        "session-limit", 403, "Too many sessions", "Sign out on another device first."
    ),
    PayloadTooLarge: Problem("payload-too-large", 413, "Too large", "Send at most 64 KiB."),
    UnsupportedMediaType: Problem(
        "unsupported-media-type", 415, "Unsupported media type", "Send application/json."
    ),
    Throttled: Problem("throttled", 429, "Too many attempts", "Wait before you try again."),
    SessionStoreUnavailable: Problem(
        "session-store-unavailable", 503, "Session store unavailable",
        "Your session cannot be checked right now. Try again soon.", {"Retry-After": "2"},
    ),
    Overloaded: Problem(
        "overloaded", 503, "Overloaded", "Too many sign-ins at once. Try again soon.",
        {"Retry-After": "2"},
    ),
}  # fmt: skip


def problem_for(error: Exception) -> Problem | None:
    """Return the problem for a domain error, or None for any other exception."""
    return next((_TABLE[kind] for kind in type(error).__mro__ if kind in _TABLE), None)


def problem_response(request: HttpRequest, problem: Problem | Exception) -> HttpResponse:
    """Answer with a problem document; what the error carries (errors, retry_after) joins it."""
    extra: dict[str, Any] = {}
    headers: dict[str, str] = {}
    if isinstance(problem, Exception):
        error, problem = problem, problem_for(problem) or INTERNAL_ERROR
        _log_outage(error, problem)
        names = ("errors", "retry_after", "reason")
        extra = {name: getattr(error, name) for name in names if hasattr(error, name)}
        if isinstance(error.__cause__, BreakerOpen):
            extra["retry_after"] = error.__cause__.retry_after
        if "retry_after" in extra:
            headers["Retry-After"] = str(extra["retry_after"])
    request_id = getattr(request, "request_id", "")
    return problem_document(problem, request_id, extra=extra, headers=headers)


def _log_outage(error: Exception, problem: Problem) -> None:
    asked = not isinstance(error, DatabaseUnavailable)
    if problem is _NO_DATABASE and asked:  # the text tells an outage from a missing table
        _log.error("database.unavailable", exc_info=error)
    elif problem.status == 503:
        _log.error("answer.unknown", problem=problem.slug, cause=str(error))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem_response(request, BAD_REQUEST)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem_response(request, FORBIDDEN)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem_response(request, NOT_FOUND)


def server_error(request: HttpRequest) -> HttpResponse:
    return problem_response(request, INTERNAL_ERROR)

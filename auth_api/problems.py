"""Maps domain errors to problem documents (RFC 9457), in one table."""

import sys
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse

from auth_api.deadline import DeadlinePassed
from auth_api.errors import (
    DeletionPending,
    FactorNotFound,
    FactorUnreadable,
    InvalidCode,
    InvalidCredentials,
    InvalidRequest,
    InvalidToken,
    Overloaded,
    OverloadedAfterComparison,
    PasswordChanged,
    PayloadTooLarge,
    RecoveryHold,
    RegistrationClosed,
    ServiceTokenRequired,
    StepUpRequired,
    Throttled,
    TooManyFactors,
    UnsupportedMediaType,
)
from auth_api.sessions.exceptions import (
    FactorRequired,
    NoPendingSignIn,
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
from gatehouse.site_data import SiteDataTooLarge

_LONGEST_CAUSE = 200  # characters
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
UNKNOWN_HOST = Problem(
    "unknown-host", 400, "Unknown host", "The Host of the request is not in AUTH_API_HOSTS."
)

_NO_DATABASE = Problem(
    "database-unavailable", 503, "Database unavailable",
    "The accounts cannot be read right now. Try again soon.", {"Retry-After": "2"},
)  # fmt: skip

_SESSION_ENDED = Problem("session-ended", 401, "Session ended", "Sign in again.")

_OVERLOADED = Problem(
    "overloaded", 503, "Overloaded", "Too many sign-ins at once. Try again soon.",
    {"Retry-After": "2"},
)  # fmt: skip

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
        "Ask an administrator for an account or an invitation.",
    ),
    InvalidCredentials: Problem(
        "invalid-credentials", 401, "Invalid credentials",
        "Incorrect e-mail address or password.",
    ),
    PasswordChanged: Problem(
        "password-changed", 401, "Password changed",
        "Your password has been changed, but you could not be kept signed in. Sign in with the new password.",
    ),
    InvalidCode: Problem(
        "invalid-code", 401, "Invalid code", "The code is incorrect, has expired or has already been used."
    ),
    NoPendingSignIn: Problem(
        "sign-in-expired", 401, "Sign-in expired",
        "Start again with your e-mail address and password.",
    ),
    FactorRequired: Problem(
        "factor-required", 403, "Second factor required",
        "This account has a second factor. Sign out, then sign in with it.",
    ),
    StepUpRequired: Problem(
        "step-up-required", 403, "Second factor required",
        "Enter a code from your second factor, then repeat the request.",
    ),
    RecoveryHold: Problem(
        "recovery-hold", 403, "Not possible yet",
        "A recovery code was used in the last 24 hours. This is blocked until 24 hours have passed.",
    ),
    DeletionPending: Problem(
        "deletion-pending", 403, "Deletion pending",
        "The owner of this account has asked to delete it. Keep the account to sign in.",
    ),
    FactorNotFound: Problem("not-found", 404, "Not found", "You have no such second factor."),
    TooManyFactors: Problem(
        "too-many-factors", 409, "Too many authenticator apps", "Remove one first."
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
    SiteDataTooLarge: Problem(
        "site-data-too-large", 413, "Too large", "The site's data in a session may be 16 KiB at most."
    ),
    Throttled: Problem("throttled", 429, "Too many attempts", "Wait before you try again."),
    SessionStoreUnavailable: Problem(
        "session-store-unavailable", 503, "Session store unavailable",
        "Your session cannot be checked right now. Try again soon.", {"Retry-After": "2"},
    ),
    FactorUnreadable: Problem(
        "factor-unavailable", 503, "Second factor unavailable",
        "Codes for this account cannot be checked right now. Try again later, or use a recovery code.",
        {"Retry-After": "60"},
    ),
    Overloaded: _OVERLOADED,
    OverloadedAfterComparison: _OVERLOADED,
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
        _log_outage(request, error, problem)
        names = (
            "errors", "retry_after", "reason", "tries_left", "acr", "max_age", "methods",
            "deletes_at", "keep_token",
        )  # fmt: skip
        extra = {name: getattr(error, name) for name in names if hasattr(error, name)}
        if isinstance(error.__cause__, BreakerOpen):
            extra["retry_after"] = error.__cause__.retry_after
        if "retry_after" in extra:
            headers["Retry-After"] = str(extra["retry_after"])
    request_id = getattr(request, "request_id", "")
    return problem_document(problem, request_id, extra=extra, headers=headers)


def _log_outage(request: HttpRequest, error: Exception, problem: Problem) -> None:
    """Write one line about a request that could not be judged; a traceback would hide the outage."""
    if problem.status != 503:
        return
    event = "database.unavailable" if problem is _NO_DATABASE else "answer.unknown"
    match = request.resolver_match
    route = match.view_name if match else ""
    _log.error(event, route=route, problem=problem.slug, cause=_cause(error))


def _cause(error: Exception) -> str:
    """Return the kind of `error` and the first line of its text, which tells an outage from a missing table."""
    text = str(error).partition("\n")[0][:_LONGEST_CAUSE]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem_response(request, BAD_REQUEST)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem_response(request, FORBIDDEN)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem_response(request, NOT_FOUND)


def server_error(request: HttpRequest) -> HttpResponse:
    """Also answer exceptions of middleware, which ProblemMiddleware never sees: for example, an outage."""
    error = sys.exc_info()[1]
    if isinstance(error, Exception) and problem_for(error):
        return problem_response(request, error)
    return problem_response(request, INTERNAL_ERROR)

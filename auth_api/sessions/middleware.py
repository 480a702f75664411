"""The engine behind Django's session middleware: two doors, strict cookies, three answers."""

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.contrib.sessions.middleware import SessionMiddleware as DjangoSessionMiddleware
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponseBase
from django.utils.cache import patch_vary_headers

from auth_api.problems import problem_response
from gatehouse.cookies import DuplicateCookie

from .cookies import read_session_cookie
from .exceptions import SessionError, SessionStoreUnavailable
from .store import SessionStore

ADMIN_PREFIX = "/admin/"
ADMIN_COOKIE = "__Host-admin-session"


class SessionMiddleware(DjangoSessionMiddleware):
    """Gives each request its door's session, and writes what became of it into Set-Cookie.

    A subclass of Django's, as its checks (admin.E410) ask for. An error that is raised in a
    middleware reaches no other middleware, so problems are answered here.
    """

    def process_request(self, request: HttpRequest) -> HttpResponseBase | None:  # type: ignore[override]
        admin = request.path_info.startswith(ADMIN_PREFIX)
        name = ADMIN_COOKIE if admin else settings.SESSION_COOKIE_NAME
        try:
            token = read_session_cookie(request.META.get("HTTP_COOKIE", ""), name)
        except DuplicateCookie as error:
            return problem_response(request, error)
        session = SessionStore.of(token, admin=admin)
        session.client_address = getattr(request, "client_address", "")
        session.client_user_agent = getattr(request, "client_user_agent", "")
        request.session = session
        request.sent_session_cookie = name in request.META.get("HTTP_COOKIE", "")  # type: ignore[attr-defined]
        request.sent_session_key = session.session_key  # type: ignore[attr-defined]
        return None

    def process_response(self, request: HttpRequest, response: Any) -> Any:
        """Save and set, expire, or leave the cookie alone."""
        session: Any = getattr(request, "session", None)
        if not isinstance(session, SessionStore):
            return response
        if session.accessed and session.admin:  # what /v1/ says is kept by nobody
            patch_vary_headers(response, ("Cookie",))
        if response.status_code >= 500:
            return response  # unknown or broken: no cookie is touched (design rule 9)
        try:
            return _write_cookie(request, session, response)
        except (SessionError, DatabaseError) as error:  # a card is made from the user's row
            return problem_response(request, error)

    def process_exception(self, request: HttpRequest, exception: Exception) -> Any:
        if isinstance(exception, SessionStoreUnavailable):
            return problem_response(request, exception)
        return None


def _write_cookie(request: Any, session: SessionStore, response: Any) -> Any:
    name = ADMIN_COOKIE if session.admin else settings.SESSION_COOKIE_NAME
    # Only a request that asked the engine can know that a cookie is dead.
    if session.is_empty():
        if request.sent_session_cookie and session.accessed and not session.unreadable:
            expire_cookie(response, name)
        return response
    if session.modified:
        session.save()
    if session.modified or session.session_key != request.sent_session_key:
        _set_cookie(response, name, session)
    return response


def _set_cookie(response: Any, name: str, session: SessionStore) -> None:
    max_age = None
    if session.valid and session.valid.record.header.remember:
        ends = session.valid.record.absolute_expires_at
        max_age = max(0, ends - int(datetime.now(UTC).timestamp()))
    response.set_cookie(
        name,
        session.session_key,
        max_age=max_age,
        path="/",
        secure=True,
        httponly=True,
        samesite="Strict",
    )


def expire_cookie(response: Any, name: str) -> None:
    """Expire cookie `name`, with the attributes it was set with (else browsers ignore it)."""
    response.set_cookie(
        name, "", max_age=0, path="/", secure=True, httponly=True, samesite="Strict",
        expires="Thu, 01 Jan 1970 00:00:00 GMT",
    )  # fmt: skip

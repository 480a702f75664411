"""Loads the session from the request's cookie, and sets or expires the cookie of the response."""

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.contrib.sessions.middleware import SessionMiddleware as DjangoSessionMiddleware
from django.db import DatabaseError
from django.http import HttpResponseBase
from django.utils.cache import patch_vary_headers

from auth_api.api_request import ApiRequest
from auth_api.problems import problem_response
from auth_api.sessions.cookies import expire_strict_cookie, read_session_cookie, set_strict_cookie
from auth_api.sessions.exceptions import SessionError
from auth_api.sessions.records import Client
from auth_api.sessions.store import Outcome, SessionStore
from gatehouse.cookies import ADMIN_SESSION_COOKIE, DuplicateCookie

from .request_context import ADMIN_PREFIX


class SessionMiddleware(DjangoSessionMiddleware):
    """Gives each request its door's session, and writes what became of it into Set-Cookie.

    Read the cookie, handle the request, and act on what happened to the session. The view loads the
    session when it needs it (`SessionStore.current`): valid, over, absent, or unknown. A subclass of
    Django's, as its checks (admin.E410) ask for; an error that is raised in a middleware reaches no
    other middleware, so it is answered here.
    """

    async_capable = False

    def __call__(self, request: ApiRequest) -> Any:  # type: ignore[override]
        cookies = request.META.get("HTTP_COOKIE", "")
        admin = request.path_info.startswith(ADMIN_PREFIX)
        name = ADMIN_SESSION_COOKIE if admin else settings.SESSION_COOKIE_NAME
        try:
            token = read_session_cookie(cookies, name)
        except DuplicateCookie as error:
            return problem_response(request, error)
        client = Client(request.client_address, request.client_user_agent)
        session = request.session = SessionStore(token=token, admin=admin, client=client)
        response: Any = self.get_response(request)
        if admin and session.accessed:  # what /v1/ answers is kept by nobody
            patch_vary_headers(response, ("Cookie",))
        if response.status_code >= 500:
            return response  # unknown or broken: no cookie is touched
        try:
            _answer_with_cookie(response, name, session, is_sent=f"{name}=" in cookies)
        except (SessionError, DatabaseError) as error:  # a snapshot is made from the user's row
            return problem_response(request, error)
        return response


def _answer_with_cookie(
    response: HttpResponseBase, name: str, session: SessionStore, *, is_sent: bool
) -> None:
    """Set, expire or leave alone the cookie; the browser sent one if `is_sent`. Saves changes first."""
    match session.outcome:
        case Outcome.UNMODIFIED:
            pass
        case Outcome.MODIFIED:
            session.save()
            _set_cookie(response, name, session)
        case Outcome.RENEWED:
            _set_cookie(response, name, session)
        case Outcome.ENDED if is_sent:
            expire_strict_cookie(response, name)


def _set_cookie(response: HttpResponseBase, name: str, session: SessionStore) -> None:
    """Set the cookie for the browser's session, or until the absolute end if it is remembered."""
    max_age = None
    if session.valid and session.valid.record.header.remember:
        ends = session.valid.record.absolute_expires_at
        max_age = max(0, ends - int(datetime.now(UTC).timestamp()))
    set_strict_cookie(response, name, session.session_key or "", max_age=max_age)

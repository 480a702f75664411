"""Django's own contract of a session engine, unchanged, on ours."""

import pytest
from django.conf import settings
from django.contrib.sessions.exceptions import SessionInterrupted
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory, TestCase, override_settings

from auth_api.sessions.store import SessionStore
from tests.conformance.django_source import session_tests

_django = session_tests()

# Django's middleware tests expect Django's own cookie; our middleware's is tested elsewhere.
_DJANGOS_COOKIE = {
    "SESSION_COOKIE_NAME": "sessionid",
    "SESSION_COOKIE_SECURE": False,
    "SESSION_COOKIE_HTTPONLY": False,
    "SESSION_COOKIE_SAMESITE": "Lax",
}


@pytest.mark.usefixtures("redis_client")
class TestDjangosSessionContract(_django.SessionTestsMixin, TestCase):  # type: ignore[misc,name-defined]
    backend = SessionStore


@override_settings(**_DJANGOS_COOKIE)
class TestDjangosMiddlewareContract(_django.SessionMiddlewareTests):  # type: ignore[misc,name-defined]
    """Django's SessionMiddleware over our engine.

    Two of its tests cannot run on any engine but the database's: one makes a `DatabaseSession` by
    name, one looks its row up by contrib.sessions' model. Both promises are tested below.
    """

    test_session_update_error_redirect = None
    test_empty_session_saved = None


@pytest.mark.django_db
def test_a_session_that_was_ended_meanwhile_interrupts_the_request() -> None:
    """What `test_session_update_error_redirect` promises, on our engine."""

    def view(request: HttpRequest) -> HttpResponse:
        request.session = SessionStore()
        request.session.save(must_create=True)
        request.session.delete()
        request.session["late"] = True
        return HttpResponse()

    with pytest.raises(SessionInterrupted):
        SessionMiddleware(view)(RequestFactory().get("/foo/"))


@pytest.mark.django_db
@override_settings(**_DJANGOS_COOKIE)
def test_a_session_that_was_emptied_keeps_its_key() -> None:
    """What `test_empty_session_saved` promises, on our engine."""

    def view(request: HttpRequest) -> HttpResponse:
        request.session["foo"] = "bar"
        return HttpResponse()

    request = RequestFactory().get("/")
    middleware = SessionMiddleware(view)
    middleware(request)
    del request.session["foo"]
    response = middleware.process_response(request, HttpResponse())
    stored = SessionStore(request.session.session_key)
    assert stored.load() == {}
    assert stored.session_key == request.session.session_key
    assert response.cookies[settings.SESSION_COOKIE_NAME].value == request.session.session_key

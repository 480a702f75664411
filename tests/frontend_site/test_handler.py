"""Addresses are looked up once, and each still leads where it should."""

import pytest
from django.test import RequestFactory
from django.urls import Resolver404, resolve

from frontend_site.handler import Handler

PATHS = ["/", "/account", "/login", "/api/auth/session", "/.well-known/jwks.json"]


def test_every_look_finds_what_django_finds() -> None:
    handler = Handler()
    for path in [*PATHS, *PATHS]:
        request = RequestFactory().get(path)
        assert handler.resolve_request(request).func is resolve(path).func
        assert request.resolver_match.route == resolve(path).route


def test_what_has_a_parameter_keeps_its_own() -> None:
    handler = Handler()
    for handle in ("a" * 16, "b" * 16, "a" * 16):
        match = handler.resolve_request(RequestFactory().get(f"/api/auth/sessions/{handle}"))
        assert match.kwargs == {"handle": handle}
    for name in ("one", "two"):
        match = handler.resolve_request(RequestFactory().get(f"/api/{name}/x"))
        assert match.kwargs == {"name": name}


def test_what_is_not_there_stays_away_and_nothing_grows() -> None:
    handler = Handler()
    for number in range(100):
        for path in ("/account", f"/nothing/{number}", f"/api/one/{number}"):
            try:
                handler.resolve_request(RequestFactory().get(path))
            except Resolver404:
                assert path.startswith("/nothing")
    assert set(handler._matches) == {"/account"}
    with pytest.raises(Resolver404):
        handler.resolve_request(RequestFactory().get("/nothing"))

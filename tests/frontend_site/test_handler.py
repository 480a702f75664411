"""Addresses are looked up once, and each still leads where it should."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from wsgiref.util import FileWrapper

import pytest
from django.core import signals
from django.core.handlers.wsgi import WSGIHandler
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


def answer_of(application: Any, path: str, **environ: Any) -> tuple[str, dict[str, str], Any]:
    started: list[Any] = []
    request = RequestFactory().get(path, headers={"Sec-Fetch-Site": "same-origin"})
    body = application({**request.environ, **environ}, lambda *said: started.extend(said))
    status, headers = started
    return status, dict(headers), body


@pytest.mark.parametrize("path", ["/", "/account", "/login", "/api/auth/csrf", "/nothing"])
def test_it_answers_as_djangos_does(path: str) -> None:
    status, headers, body = answer_of(Handler(), path)
    their_status, their_headers, their_body = answer_of(WSGIHandler(), path)
    own = ("Content-Security-Policy", "X-Request-Id", "Set-Cookie")  # made for each request
    assert {**headers, **dict.fromkeys(own)} == {**their_headers, **dict.fromkeys(own)}
    assert headers.keys() == their_headers.keys()
    assert status == their_status
    assert len(b"".join(body)) == len(b"".join(their_body))


def test_a_file_is_handed_to_the_server_and_closed_by_it() -> None:
    wrapped: list[Any] = []

    def wrapper(file: Any, size: int) -> Any:
        wrapped.append(file)
        return FileWrapper(file, size)

    _, _, body = answer_of(
        Handler(), "/static/frontend_site/site.css", **{"wsgi.file_wrapper": wrapper}
    )
    [file] = wrapped
    assert file.read(2)
    with finished() as ends:
        body.close()
    assert file.closed
    assert len(ends) == 1


@contextmanager
def finished() -> Iterator[list[Any]]:
    """Who said meanwhile that a request is finished."""
    ends: list[Any] = []

    def note(sender: Any, **_: Any) -> None:
        ends.append(sender)

    signals.request_finished.connect(note)
    try:
        yield ends
    finally:
        signals.request_finished.disconnect(note)

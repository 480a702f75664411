"""A site whose views do what a test gives them, with `request.session`."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import path

from frontend_site.pages.backend_calls import ask
from frontend_site.security.endpoints import endpoint, page
from frontend_site.site_request import SiteRequest
from frontend_site.urls import handler500
from tests.frontend_site.browser import Browser

USE, PEEK, WRITE = "GET /v1/session", "GET /v1/session?slide=false", "PATCH /v1/session/data"
BOTH = [USE, WRITE]
Act = Callable[[SiteRequest], Any]
acts: list[Act] = []
committed: list[str] = []


def run(request: SiteRequest) -> HttpResponse:
    found = acts[0](request)
    committed.append("by the view")
    return found if isinstance(found, HttpResponse) else JsonResponse({"found": found})


@page("GET")
def plain(request: SiteRequest) -> HttpResponse:
    return run(request)


@endpoint("GET")
def call(request: SiteRequest) -> HttpResponse:
    return run(request)


@page("GET", public=True)
def public(request: SiteRequest) -> HttpResponse:
    return run(request)


@endpoint("GET", session="peek")
def poll(request: SiteRequest) -> HttpResponse:
    return run(request)


@page("GET", session="own-call")
def own_call(request: SiteRequest) -> HttpResponse:
    ask(request, "sessions")
    return run(request)


@page("GET", session="own-call")
def forgets_its_call(request: SiteRequest) -> HttpResponse:
    return run(request)


def tell(request: SiteRequest) -> HttpResponse:
    messages.success(request, "Saved.")
    return HttpResponseRedirect("/read")


@page("GET", public=True)
def tell_in_public(request: SiteRequest) -> HttpResponse:
    return tell(request)


def read(request: SiteRequest) -> HttpResponse:
    return JsonResponse({"messages": [str(message) for message in messages.get_messages(request)]})


def opened(browser: Browser, act: Act, address: str = "/page") -> Any:
    acts[:] = [act]
    browser.sign_in()
    return browser.call("GET", address) if address.startswith("/api/") else browser.get(address)


def writes(request: SiteRequest) -> None:
    request.session["theme"] = "dark"


urlpatterns = [
    path("page", plain),
    path("public", public),
    path("api/call", call),
    path("api/poll", poll),
    path("own", own_call),
    path("forgets", forgets_its_call),
    path("tell", tell),
    path("tell/public", tell_in_public),
    path("read", read),
]
__all__ = ["handler500", "urlpatterns"]

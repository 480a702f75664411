"""The first part is shown in docs/how-to/adopting.md (a test compares them); the rest is for tests only."""

import json
from collections.abc import Iterator
from contextlib import suppress

from django.contrib.auth.decorators import login_not_required, login_required
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    JsonResponse,
    StreamingHttpResponse,
)
from django.views import View

from frontend_site.backend.caller import caller_of
from frontend_site.backend.client import AuthApiUnavailable, auth_api
from frontend_site.backend.relay import relay_cookies
from frontend_site.backend.session_check import call_auth_api
from frontend_site.errors import SignInRequired
from frontend_site.pages.backend_calls import ask, current_profile, required_profile
from frontend_site.pages.rendering import render
from frontend_site.security.endpoints import endpoint, page, require_level
from frontend_site.site_request import SiteRequest

_JSON = "application/json"


def report_list(request: SiteRequest) -> HttpResponse:
    return render(request, "reports.html")


@page("GET", "POST")
def new_report(request: SiteRequest) -> HttpResponse:
    if request.method == "POST":
        save_report(owner=request.user.id, title=request.POST["title"])
        return HttpResponseRedirect("/reports")
    return render(request, "reports.html")


class Archive(View):
    def get(self, request: SiteRequest) -> HttpResponse:
        return render(request, "reports.html")


@endpoint("GET")
def summary(request: SiteRequest) -> JsonResponse:
    return JsonResponse({"of": request.user.email, "reports": 3})


@require_level("aal2", max_age=600)
@page("GET", "POST")
def payout(request: SiteRequest) -> HttpResponse:
    return render(request, "reports.html")


@endpoint("GET", session="peek")
def unread(request: SiteRequest) -> JsonResponse:
    return JsonResponse({"unread": 3})


@page("GET", public=True)
def prices(request: SiteRequest) -> HttpResponse:
    return render(request, "reports.html" if request.user.is_authenticated else "home.html")


@endpoint("GET", "POST")
def basket(request: SiteRequest) -> JsonResponse:
    if request.method == "POST":
        request.session["basket"] = json.loads(request.body)
    return JsonResponse({"basket": request.session.get("basket", [])})


# --- end of the part that the docs show

saved: list[tuple[str | None, str]] = []


def save_report(*, owner: str | None, title: str) -> None:
    saved.append((owner, title))


class Notes(View):
    def get(self, request: SiteRequest) -> HttpResponse:
        return render(request, "reports.html")

    def post(self, request: SiteRequest) -> HttpResponse:
        save_report(owner=request.user.id, title="note")
        return HttpResponseRedirect("/reports")


def ends_meanwhile(request: SiteRequest) -> HttpResponse:
    """Keeps something in a session that ends before it is stored."""
    request.session["late"] = True
    elsewhere = caller_of(request)
    assert auth_api().call("logout", elsewhere, body=b"{}", content_type=_JSON).status == 204
    return HttpResponse("kept")


def plain(request: HttpRequest) -> HttpResponse:
    """Under /api/, without a declaration."""
    return JsonResponse({"of": request.user.get_username()})


@login_not_required
def opening_hours(request: HttpRequest) -> HttpResponse:
    """Public by Django's own decorator, and needs no user."""
    return HttpResponse("nine to five")


def staff(request: SiteRequest) -> HttpResponse:
    if not request.user.is_staff:
        raise PermissionDenied
    return HttpResponse("staff only")


@login_required
def old_style(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"for {request.user}")


def kept(request: HttpRequest) -> HttpResponse:
    return HttpResponse("kept", headers={"Cache-Control": "private, max-age=60"})


@page("GET", session="own-call")
def makes_its_own_call(request: SiteRequest) -> HttpResponse:
    ask(request, "sessions")
    return render(request, "reports.html")


@page("GET")
def uses_the_profile(request: SiteRequest) -> HttpResponse:
    current = current_profile(request)
    assert current == required_profile(request)
    return HttpResponse(f"for {required_profile(request).display_name}, {request.user.name}")


@page("GET", session="own-call")
def forgets_its_call(request: SiteRequest) -> HttpResponse:
    return HttpResponse("private data")


@page("GET", session="own-call")
def forgets_and_redirects(request: SiteRequest) -> HttpResponse:
    return HttpResponseRedirect("/reports?private=data")


@require_level("aal2")
@page("GET", "POST")
def secret(request: SiteRequest) -> HttpResponse:
    if request.method == "POST":
        save_report(owner=request.user.id, title=request.POST["title"])
        return HttpResponseRedirect("/reports")
    return HttpResponse(f"{request.user.acr} {','.join(request.user.amr)}")


@require_level("aal2")
@page("GET", public=True)
def secret_but_public(request: SiteRequest) -> HttpResponse:
    return HttpResponse("secret")


@page("GET", session="own-call")
@require_level("aal2")
def secret_with_its_own_call(request: SiteRequest) -> HttpResponse:
    return HttpResponse("secret")


# As REST framework's `api_view`: a view without the marks of the one inside.
@page("GET")
@(lambda view: lambda request: view(request))
@require_level("aal2")
def secret_that_is_hidden(request: SiteRequest) -> HttpResponse:
    return HttpResponse("secret")


@page("GET")
@require_level("aal1", max_age=60)
def recent(request: SiteRequest) -> HttpResponse:
    return HttpResponse("recent")


closed: list[str] = []


class _Body:
    def __iter__(self) -> Iterator[bytes]:
        yield b"private data"

    def close(self) -> None:
        closed.append("stream")


@page("GET", session="own-call")
def forgets_and_streams(request: SiteRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(_Body())


@page("GET", session="own-call")
def forgets_to_look(request: SiteRequest) -> HttpResponse:
    """Makes the call, but ignores the answer."""
    call_auth_api(request, "sessions")
    return HttpResponse("private data")


@page("GET", session="own-call")
def forgets_which_call(request: SiteRequest) -> HttpResponse:
    """Makes a call that needs no session."""
    call_auth_api(request, "jwks")
    return HttpResponse("private data")


@endpoint("GET", session="own-call")
def forgets_under_api(request: SiteRequest) -> HttpResponse:
    return JsonResponse({"private": "data"})


@endpoint("GET", public=True)
def asks_to_sign_in(request: SiteRequest) -> HttpResponse:
    raise SignInRequired("session-ended")


@page("GET", public=True)
def signs_out_and_fails(request: SiteRequest) -> HttpResponse:
    str(request.user)
    relay_cookies(request, call_auth_api(request, "logout", body=b"{}", content_type=_JSON))
    raise PermissionDenied


def crash(request: SiteRequest) -> HttpResponse:
    raise RuntimeError("secret detail")


@page("GET", public=True)
def asks_the_database(request: SiteRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM sqlite_master")
    return HttpResponse("asked")


@page("GET", public=True)
def asks_twice(request: SiteRequest) -> HttpResponse:
    with suppress(AuthApiUnavailable):
        str(request.user)
    return HttpResponse(f"for {request.user}")

"""Views as Django developers write them."""

from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views import View

from frontend_site.security.groups import group_required

from .models import Book


def book_list(request: HttpRequest) -> HttpResponse:
    titles = Book.objects.filter(owner=request.user).values_list("title", flat=True)
    return HttpResponse(", ".join(titles))


@group_required("editors", "admins")
def for_editors(request: HttpRequest) -> HttpResponse:
    return HttpResponse("for editors")


@group_required("editors")
class ForEditors(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("for editors")


@login_not_required
@group_required("editors")
def public_for_editors(request: HttpRequest) -> HttpResponse:
    return HttpResponse("for editors")


PAGES = {"django": "shelf/page.html", "jinja2": "shelf/page_jinja.html"}


def page_of(request: HttpRequest, engine: str) -> HttpResponse:
    return render(request, PAGES[engine])


@login_not_required
def public_page_of(request: HttpRequest, engine: str) -> HttpResponse:
    return render(request, PAGES[engine])


@login_not_required
def slow(request: HttpRequest) -> HttpResponse:
    """Keeps a connection busy for a while (PostgreSQL)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.1)")
    return HttpResponse("slept")


@login_not_required
def missing_table(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM nothing_here")
    return HttpResponse("never")

"""Pages of an app in the site, for bench.app_page: of the size of /account, with and without a query."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from examples.notes.models import Note


def user(request: HttpRequest, engine: str) -> HttpResponse:
    """Show who is signed in."""
    return render(request, f"pages/{engine}.html")


def query(request: HttpRequest, engine: str) -> HttpResponse:
    """Show that, and the user's notes."""
    notes = Note.objects.filter(owner=request.user).values_list("text", flat=True)
    return render(request, f"pages/{engine}.html", {"notes": list(notes)})


urlpatterns = [path("user/<engine>", user), path("query/<engine>", query)]

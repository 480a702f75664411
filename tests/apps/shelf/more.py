"""What else Django developers use, for test_more_of_django.py and, on the real server, test_pool.py."""

import logging
from collections.abc import Iterator
from tempfile import TemporaryFile

from django.contrib.sitemaps import Sitemap
from django.contrib.sitemaps.views import sitemap
from django.contrib.sites.shortcuts import get_current_site
from django.core.cache import cache
from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.core.mail import send_mail
from django.db import transaction
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.template import engines
from django.urls import path
from django.utils.translation import gettext, override
from django.views import View
from rest_framework import viewsets

from frontend_site.views import SiteRequest, endpoint, page

from .models import Book
from .ways import BookSerializer

REFUSALS = {
    "denied": PermissionDenied("no"),
    "missing": Http404("no"),
    "suspicious": SuspiciousOperation("no"),
    "bad": BadRequest("no"),
}
MIB = 1024**2
LONG = 20 * MIB


@endpoint()
class OneBook(View):
    def put(self, request: SiteRequest) -> HttpResponse:
        return HttpResponse(f"put {request.body.decode()}")

    patch = put

    def delete(self, request: SiteRequest) -> HttpResponse:
        return HttpResponse(f"deleted for {request.user}")


@endpoint()
class BookDetail(viewsets.ModelViewSet):
    serializer_class = BookSerializer
    queryset = Book.objects.all()


@page("GET", public=True)
def refusal(request: SiteRequest, name: str) -> HttpResponse:
    raise REFUSALS[name]


def rows(request: HttpRequest) -> StreamingHttpResponse:
    def parts() -> Iterator[str]:
        for title in Book.objects.filter(owner=request.user.pk).values_list("title", flat=True):
            yield f"{title}\n"
        yield "end\n"

    return StreamingHttpResponse(parts(), content_type="text/csv")


@page("GET", public=True)
def breaks_off(request: SiteRequest) -> StreamingHttpResponse:
    def parts() -> Iterator[str]:
        yield "the first line\n"
        raise RuntimeError("after the first line")

    return StreamingHttpResponse(parts(), content_type="text/csv")


@page("GET", public=True)
def long_file(request: SiteRequest) -> FileResponse:
    file = TemporaryFile()  # noqa: SIM115 - the response closes it
    file.truncate(LONG)
    file.seek(0)
    return FileResponse(file, as_attachment=True, filename="long.bin")


@page("GET", public=True)
def around(request: SiteRequest) -> HttpResponse:
    """Uses the frameworks that are there without a setting."""
    cache.set("greeting", "from the cache")
    send_mail("Books", "Text", None, ["ada@example.com"])
    logging.getLogger("tests.apps.shelf").warning("shelf.looked_at")
    tagged = engines["django"].from_string("{% load shelf %}{{ word|shout }}")
    with override("de"):
        words = gettext("Yes")
    parts = [
        cache.get("greeting"),
        str(get_current_site(request)),
        tagged.render({"word": "loud"}),
        words,
    ]
    return HttpResponse(", ".join(parts))


@page("POST")
def kept(request: SiteRequest) -> HttpResponse:
    with transaction.atomic():
        Book.objects.create(owner=request.user.pk, title="kept")
    request.session["last"] = "kept"
    return HttpResponse("kept")


class Pages(Sitemap):
    def items(self) -> list[str]:
        return ["/shelf/prices"]

    def location(self, item: str) -> str:
        return item


urlpatterns = [
    path("book", OneBook.as_view()),
    path("books/<int:pk>", BookDetail.as_view({"put": "update", "patch": "partial_update", "delete": "destroy"})),
    path("refusal/<name>", refusal),
    path("rows", rows),
    path("breaks-off", breaks_off),
    path("long", long_file),
    path("kept", kept),
    path("around", around),
    path("sitemap.xml", page("GET", public=True)(sitemap), {"sitemaps": {"pages": Pages}}),
]  # fmt: skip

"""Views as they cannot be here: asynchronous."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.views import View

from frontend_site.security.groups import group_required


async def wait(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


class Wait(View):
    async def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse()


def at_once(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


urlpatterns = [
    path("a", wait),
    path("b", include([path("c", Wait.as_view())])),
    path("d", group_required("editors")(wait)),
    path("e", at_once),
]

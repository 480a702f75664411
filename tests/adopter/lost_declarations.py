"""Views whose declarations Django or a library loses on the way, and views of a site at `/`."""

from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from django.utils.decorators import method_decorator
from django.views import View

from frontend_site.security.endpoints import page, require_level
from frontend_site.urls import handler400, handler403, handler404, handler500
from frontend_site.urls import urlpatterns as ours

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]


def forgetful(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Wrap a view as a library does that does not use functools.wraps."""
    return lambda request, *args, **kwargs: view(request, *args, **kwargs)


@forgetful
@require_level("aal2")
def wrapped(request: HttpRequest) -> HttpResponse:
    return HttpResponse("secret")


@require_level("aal2")
class Secret(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("secret")


class SecretBelow(Secret):
    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        answer: HttpResponse = super().dispatch(request, *args, **kwargs)  # type: ignore[assignment]
        return answer


class SecretMethod(View):
    @method_decorator(require_level("aal2"))
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("secret")


class Mistaken(View):
    @require_level("aal2")  # type: ignore[arg-type]
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("secret")


@require_level("aal1", max_age=10**9)
class Weak(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("secret")


@require_level("aal2")
class StrongBelow(Weak):
    pass


@page("GET", public=True)
class Open(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("for everybody")


@page("GET", "POST")
class ClosedBelow(Open):
    pass


@page("GET", public=True)
def wiki(request: HttpRequest, name: str) -> HttpResponse:
    raise Http404


urlpatterns = [
    path("lost/wrapped", wrapped),
    path("lost/below", SecretBelow.as_view()),
    path("lost/method", SecretMethod.as_view()),
    path("lost/mistaken", Mistaken.as_view()),
    path("lost/strong", StrongBelow.as_view()),
    path("lost/closed", ClosedBelow.as_view()),
    *ours,
    path("<path:name>/", wiki),
    path("wiki/<path:name>", wiki),
]

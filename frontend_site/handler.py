"""Django's handler, with addresses that are looked up once."""

from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest
from django.urls import ResolverMatch


class Handler(WSGIHandler):
    """Remembers the match of each route without parameters.

    Django tries one route after the other for each request, and makes its match anew. What is
    remembered is bounded by the routes: no path with a parameter is.
    """

    def __init__(self) -> None:
        super().__init__()
        self._matches: dict[str, ResolverMatch] = {}

    def resolve_request(self, request: HttpRequest) -> ResolverMatch:
        match = self._matches.get(request.path_info)
        if match is None:
            match = super().resolve_request(request)
            if request.path_info == f"/{match.route}":
                self._matches[request.path_info] = match
        request.resolver_match = match
        return match

"""Django's handler, with addresses that are looked up once."""

from typing import Any

from django.core import signals
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponseBase
from django.urls import ResolverMatch


class Handler(WSGIHandler):
    """Remembers the match of each route without parameters.

    Django tries one route after the other for each request, and makes its match anew. What is
    remembered is bounded by the routes: no path with a parameter is.
    """

    def __init__(self) -> None:
        super().__init__()
        self._matches: dict[str, ResolverMatch] = {}

    def __call__(self, environ: dict[str, Any], start_response: Any) -> HttpResponseBase:
        """Answer, as Django's does; we are mounted at the root, so no prefix is set for each request."""
        signals.request_started.send(sender=type(self), environ=environ)
        response: Any = self.get_response(self.request_class(environ))
        headers = list(response.headers._store.values())
        headers += [("Set-Cookie", cookie.OutputString()) for cookie in response.cookies.values()]
        start_response(f"{response.status_code} {response.reason_phrase}", headers)
        file, wrapper = getattr(response, "file_to_stream", None), environ.get("wsgi.file_wrapper")
        if file is not None and wrapper is not None:
            file.close = response.close  # the server closes the wrapper, not the answer
            response = wrapper(file, response.block_size)
        answer: HttpResponseBase = response
        return answer

    def resolve_request(self, request: HttpRequest) -> ResolverMatch:
        match = self._matches.get(request.path_info)
        if match is None:
            match = super().resolve_request(request)
            if request.path_info == f"/{match.route}":
                self._matches[request.path_info] = match
        request.resolver_match = match
        return match

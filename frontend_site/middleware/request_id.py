"""Assigns each request an ID, which auth_api logs too."""

import time
from collections.abc import Callable

from django.http import HttpResponseBase

from frontend_site.options import options
from frontend_site.site_request import SiteRequest
from gatehouse.forwarded import normalize_scheme
from gatehouse.logging import log_request
from gatehouse.metrics import count_request
from gatehouse.request_id import current_request, request_id_of


class RequestIdMiddleware:
    """Takes a proxy's X-Request-Id or makes one; logs each request once, without its query.

    An ID from the browser is ignored: it could repeat an ID or copy another user's.
    """

    def __init__(self, get_response: Callable[[SiteRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: SiteRequest) -> HttpResponseBase:
        given = request.META.get("HTTP_X_REQUEST_ID", "") if options().proxy_hops > 0 else ""
        normalize_scheme(request.META)
        request.request_id = request_id_of(given)
        started = time.perf_counter()
        token = current_request.set(request)
        try:
            response = self.get_response(request)
        finally:
            current_request.reset(token)
        seconds = time.perf_counter() - started
        count_request(request.resolver_match, response.status_code, seconds)
        log_request(
            method=request.method or "",
            path=request.path_info,
            status=response.status_code,
            milliseconds=round(seconds * 1000),
            request_id=request.request_id,
        )
        response.headers["X-Request-Id"] = request.request_id
        return response

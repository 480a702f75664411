"""A name for each request, from the first log line to auth_api's."""

import re
import secrets
import time
from collections.abc import Callable

from django.http import HttpResponseBase

from frontend_site.current_request import current_request
from frontend_site.logging import log_request
from frontend_site.options import options
from frontend_site.site_request import SiteRequest

_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}", re.ASCII)


class RequestIdMiddleware:
    """Takes a proxy's X-Request-Id or makes one; logs each request once, without its query.

    A browser's own is not taken: it could give many requests one name, or somebody else's.
    """

    def __init__(self, get_response: Callable[[SiteRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: SiteRequest) -> HttpResponseBase:
        given = request.META.get("HTTP_X_REQUEST_ID", "") if options().proxy_hops > 0 else ""
        request.request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(16)
        started = time.monotonic()
        token = current_request.set(request)
        try:
            response = self.get_response(request)
        finally:
            current_request.reset(token)
        log_request(
            method=request.method or "",
            path=request.path_info,
            status=response.status_code,
            milliseconds=round((time.monotonic() - started) * 1000),
            request_id=request.request_id,
        )
        response.headers["X-Request-Id"] = request.request_id
        return response

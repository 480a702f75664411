"""The outermost middleware: request ID, client address, allowed hosts and methods, security headers."""

from collections.abc import Callable
from time import perf_counter
from typing import Any

import structlog
from django.http import HttpRequest

from auth_api.options import options
from auth_api.problems import METHOD_NOT_ALLOWED, UNKNOWN_HOST, problem_response
from gatehouse.forwarded import client_address, normalize_scheme
from gatehouse.hosts import has_allowed_host
from gatehouse.metrics import count_request
from gatehouse.request_id import current_request, request_id_of
from gatehouse.security_headers import COMMON, NO_PAGE

API_PREFIX = "/v1/"
ADMIN_PREFIX = "/admin/"
MAIL_PREFIX = "/dev/mail"
_PROBES = ("/healthz", "/readyz")  # asked by address, and they tell nothing
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_HINT = "If frontend_site sends it, add the host of AUTH_API_URL to AUTH_API_HOSTS."
_log = structlog.get_logger("auth_api")

# The admin's own pages: no inline code. 'self' and no nonce: Django 5.2's templates write none.
_CSP_ADMIN = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; "
    "frame-ancestors 'none'; connect-src 'self'"
)

_OTHER = {**COMMON, "Content-Security-Policy": NO_PAGE, "Referrer-Policy": "no-referrer"}
# Mails have their style in their HTML.
_MAIL = {**_OTHER, "Content-Security-Policy": f"{NO_PAGE}; style-src 'unsafe-inline'"}
_API = {**_OTHER, "Cache-Control": "no-store"}
_ADMIN = {
    **COMMON,
    "Content-Security-Policy": _CSP_ADMIN,
    "Cache-Control": "no-store",
    # With no-referrer a form's Origin is "null", and Django's CSRF check refuses it.
    "Referrer-Policy": "same-origin",
}

Handler = Callable[[HttpRequest], Any]


class RequestContextMiddleware:
    """Request id, the client's data, security headers, and methods that we do not speak."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> Any:
        started = perf_counter()
        request.is_api = request.path_info.startswith(API_PREFIX)
        request.request_id = request_id_of(request.META.get("HTTP_X_REQUEST_ID", ""))
        normalize_scheme(request.META)
        request.client_address = _client_address(request)
        request.client_user_agent = request.META.get("HTTP_USER_AGENT", "")[:512]
        request.client_browser = ""  # only the BFF's word counts (service_token.py)
        token = current_request.set(request)
        try:
            response = self._answer(request)
        finally:
            current_request.reset(token)
        for name, value in _headers_for(request).items():
            response.headers[name] = value
        if not request.is_api:  # static files have their own
            response.headers.setdefault("Cache-Control", "no-store")
        if options().hsts and request.is_secure():
            response.headers["Strict-Transport-Security"] = options().hsts
        response.headers["X-Request-Id"] = request.request_id
        # Without it gunicorn sends chunks, which frontend_site refuses; a 204 has none (RFC 9110, 8.6).
        if not response.streaming and response.status_code != 204:
            response.headers["Content-Length"] = str(len(response.content))
        count_request(request.resolver_match, response.status_code, perf_counter() - started)
        return response

    def _answer(self, request: HttpRequest) -> Any:
        if request.method not in _METHODS:
            response = problem_response(request, METHOD_NOT_ALLOWED)
            response["Allow"] = ", ".join(sorted(_METHODS))
            return response
        if request.path_info not in _PROBES and not has_allowed_host(request):
            _log.warning("host.refused", host=request.META.get("HTTP_HOST", "")[:100], hint=_HINT)
            return problem_response(request, UNKNOWN_HOST)
        return self.get_response(request)


def _client_address(request: Any) -> str:
    """Return the client's address; of /v1/ the peer's, until its service token is known to be good."""
    if request.is_api:
        return str(request.META.get("REMOTE_ADDR", ""))
    hops = options().proxy_hops if request.path_info.startswith(ADMIN_PREFIX) else 0
    return client_address(request.META, hops, "AUTH_API_PROXY_HOPS")


def _headers_for(request: Any) -> dict[str, str]:
    if request.is_api:
        return _API
    if request.path_info.startswith(ADMIN_PREFIX):
        return _ADMIN
    is_mail = request.path_info.startswith(MAIL_PREFIX) and options().environment == "development"
    return _MAIL if is_mail else _OTHER

"""Sets the security headers of every response, including errors and files."""

import re
from collections.abc import Callable
from functools import cache

from django.http import HttpResponseBase
from django.templatetags.static import static

from frontend_site.options import options
from frontend_site.security.csp import csp_of, extended
from frontend_site.site_request import SiteRequest, is_api, nonce_of
from gatehouse.hosts import has_allowed_host
from gatehouse.security_headers import COMMON, NO_PAGE

_PAGE = (
    "default-src 'none'; script-src 'nonce-%s'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; "
    "frame-ancestors 'none'; worker-src %s; "
    "require-trusted-types-for 'script'; trusted-types gatehouse-stream"
)
# Of the one file that may run as a worker: not sandboxed, which would take its origin away.
_WORKER = (
    "default-src 'none'; connect-src 'self'; base-uri 'none'; object-src 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
    "trusted-types 'none'"
)
_DEFAULTS = {
    # Not no-referrer: under that, browsers send `Origin: null` with our own forms.
    "Referrer-Policy": "same-origin",
    # WhiteNoise says how long a file may be kept; everything else may not be kept at all.
    "Cache-Control": "no-store",
}
_HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?", re.ASCII)


class SecurityHeadersMiddleware:
    """Outside of everything that can answer, so that no answer leaves without them."""

    def __init__(self, get_response: Callable[[SiteRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: SiteRequest) -> HttpResponseBase:
        response = self.get_response(request)
        headers = response.headers
        # What an upstream answers under /api/ is no page of ours, whatever it says it is.
        own = not is_api(request) or request.path_info.startswith("/auth/")
        if own and headers.get("Content-Type", "").startswith("text/html"):
            headers["Content-Security-Policy"] = _policy(request)
        elif request.path_info == _worker():
            headers["Content-Security-Policy"] = _WORKER
        else:
            headers["Content-Security-Policy"] = NO_PAGE
        for name, value in COMMON.items():
            headers[name] = value
        for name, value in _DEFAULTS.items():
            if name not in headers:
                headers[name] = value
        if options().hsts and request.is_secure():
            headers["Strict-Transport-Security"] = options().hsts
        return response


def _policy(request: SiteRequest) -> str:
    """A page's policy. It names one file as worker: any file of ours could be more than we mean."""
    host = request.META.get("HTTP_HOST", "")
    usable = has_allowed_host(request) and _HOST.fullmatch(host)  # a refused host is never repeated
    worker = f"{host}{_worker()}" if usable else "'none'"
    policy, match = _PAGE, request.resolver_match
    if match is not None and (added := csp_of(match.func)):
        policy = extended(policy, added)
    return policy % (nonce_of(request), worker)


@cache
def _worker() -> str:
    return static("frontend_site/session-stream.js")

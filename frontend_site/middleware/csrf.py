"""Checks the origin and the CSRF token of unsafe requests (docs/explanation/csrf.md)."""

from collections.abc import Callable
from functools import cache

import structlog
from django.http import HttpResponse, HttpResponseBase
from django.utils.cache import patch_vary_headers

from frontend_site import problems
from frontend_site.backend.caller import client_address
from frontend_site.csrf_problems import origin_problem, token_problem, token_reason
from frontend_site.options import options
from frontend_site.pages.forms import kept_fields
from frontend_site.pages.rendering import render
from frontend_site.security.bodies import is_late
from frontend_site.security.csrf import FIELD, CsrfSigner, CsrfState, Verdict
from frontend_site.security.endpoints import View, kind_of
from frontend_site.security.origin import origin_refusal
from frontend_site.set_cookies import add_set_cookie
from frontend_site.site_request import SiteRequest, is_api
from gatehouse.cookies import CSRF_COOKIE

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_SET_COOKIE = f"{CSRF_COOKIE}=%s; Path=/; SameSite=Strict; Secure"  # scripts read it (docs/explanation/csrf.md)
_LONGEST_ORIGIN = 200  # characters, in the log
_log = structlog.get_logger("frontend_site")


class SignedCsrfMiddleware:
    """Checks where an unsafe request came from, then its token; gives forms their token."""

    def __init__(self, get_response: Callable[[SiteRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: SiteRequest) -> HttpResponseBase:
        request.csrf = CsrfState(csrf_signer(), request.csrf_cookie, request.session_token)
        response = self.get_response(request)
        # An outage sets no cookie; unless the session was renewed before it, and the token with it.
        if request.csrf.fresh and (response.status_code < 500 or request.auth_cookies):
            add_set_cookie(response, _SET_COOKIE % request.csrf.fresh)
        return response

    def process_view(
        self, request: SiteRequest, view: View, args: object, kwargs: object
    ) -> HttpResponseBase | None:
        if request.method in _SAFE or kind_of(view, request.path_info) == "webhook":
            return None
        if reason := origin_refusal(request):
            return _refuse_origin(request, reason)
        if is_late(request) and not _has_header(request):
            return None  # LateBodyMiddleware reads the body, and calls check_token
        return check_token(request)


def check_token(request: SiteRequest) -> HttpResponse | None:
    """Return the refusal of a request whose token is wrong; reads the form if no header has the token."""
    submitted = _submitted_token(request)
    verdict = request.csrf.judge(submitted)
    if verdict is Verdict.GOOD:
        return None
    reason = token_reason(request.csrf, submitted, verdict)
    _log_refusal(request, verdict, reason)
    if is_api(request):
        return problems.respond(request, token_problem(verdict, reason), reason=reason)
    return _offer_again(request, verdict)


@cache
def csrf_signer() -> CsrfSigner:
    """Return what signs and verifies the tokens of this site."""
    return CsrfSigner(options().csrf_keys)


def _has_header(request: SiteRequest) -> bool:
    return is_api(request) or "HTTP_X_CSRF_TOKEN" in request.META


def _submitted_token(request: SiteRequest) -> str | None:
    if token := request.META.get("HTTP_X_CSRF_TOKEN"):
        return str(token)
    if is_api(request):
        return None  # a JSON body is not ours to read
    return request.POST.get(FIELD)


def _refuse_origin(request: SiteRequest, reason: str) -> HttpResponse:
    _log_refusal(
        request,
        Verdict.FORGED,
        reason,
        origin=request.META.get("HTTP_ORIGIN", "")[:_LONGEST_ORIGIN],
    )
    response = problems.respond(request, origin_problem(request, reason), reason=reason)
    patch_vary_headers(response, ("Sec-Fetch-Site", "Origin"))
    return response


def _offer_again(request: SiteRequest, verdict: Verdict) -> HttpResponse:
    """The 403 page with what was typed. Safe: the origin gate says that it was typed here."""
    # Only now, since the page needs it: the new token goes out with this answer.
    context = {
        "fields": kept_fields(request.POST, without=(FIELD,)),
        "action": request.path,
        "expired": verdict is Verdict.EXPIRED,
    }
    return render(request, "errors/403_csrf.html", context, status=403)


def _log_refusal(request: SiteRequest, verdict: Verdict, reason: str, **seen: str) -> None:
    _log.warning(
        "csrf.refused",
        kind=verdict.value,
        reason=reason,
        path=request.path_info,
        address=client_address(request),
        **seen,
    )

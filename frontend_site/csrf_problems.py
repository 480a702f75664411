"""The answers to refused unsafe requests: a stable word (`reason`), and what to send instead.

The texts repeat only what the request itself contained. The origins, seen and expected, are told in
development, where a dev server in front is the usual cause (docs/how-to/front-end.md).
"""

from dataclasses import replace

from frontend_site.options import options
from frontend_site.problems import CSRF_EXPIRED, CSRF_FAILED
from frontend_site.security.csrf import CsrfState, Verdict
from frontend_site.security.origin import referer_origin
from frontend_site.site_request import SiteRequest, is_api
from gatehouse.cookies import CSRF_COOKIE
from gatehouse.problems import Problem

_GET_ONE = "Get a token with GET /api/auth/csrf, then send the request again."
_DETAILS = {
    "no-cookie": f"The cookie {CSRF_COOKIE} was not sent. GET /api/auth/csrf sets it and returns its value, "
    "which the header X-CSRF-Token must repeat.",
    "no-token": f"The header X-CSRF-Token was not sent. Its value is that of the cookie {CSRF_COOKIE}, "
    "which GET /api/auth/csrf also returns.",
    "unknown-token": f"This site did not issue the token in X-CSRF-Token. {_GET_ONE}",
    "old-token": f"The token in X-CSRF-Token was issued before you signed in or out. {_GET_ONE}",
    "other-token": f"The token in X-CSRF-Token is not that of the cookie {CSRF_COOKIE}. {_GET_ONE}",
    "no-origin": "No header says where the request came from. If machines call this address, declare its view "
    "with @webhook (docs/how-to/adopting.md).",
    "null-origin": "The header Origin is null.",
    "fetch-site-same-site": "Sec-Fetch-Site is same-site; expected same-origin.",
    "fetch-site-cross-site": "Sec-Fetch-Site is cross-site; expected same-origin.",
    "fetch-site-none": "Sec-Fetch-Site is none; expected same-origin.",
}


def token_reason(state: CsrfState, submitted: str | None, verdict: Verdict) -> str:
    """Return why a token was refused; the first thing that is missing counts."""
    if not state.has_cookie:
        return "no-cookie"
    if not submitted:
        return "no-token"
    if verdict is Verdict.FORGED:
        return "unknown-token"
    return "other-token" if state.is_for_session(submitted) else "old-token"


def token_problem(verdict: Verdict, reason: str) -> Problem:
    """Return the problem of a call whose token was refused."""
    problem = CSRF_EXPIRED if verdict is Verdict.EXPIRED else CSRF_FAILED
    return replace(problem, detail=_DETAILS[reason])


def origin_problem(request: SiteRequest, reason: str) -> Problem:
    """Return the problem of a request from elsewhere. Visitors of pages need no header names."""
    in_development = options().environment == "development"
    sentences = [CSRF_FAILED.detail]
    if reason in _DETAILS and (in_development or is_api(request)):
        sentences.append(_DETAILS[reason])
    if in_development:
        sentences.append(_origins(request))
    return replace(CSRF_FAILED, detail=" ".join(sentences))


def _origins(request: SiteRequest) -> str:
    seen = request.headers.get("Origin") or referer_origin(request) or "unknown"
    return (
        f"The request came from {seen}; expected {options().public_origin} or "
        f"{request.scheme}://{request.get_host()}. Set GATEHOUSE_PUBLIC_ORIGIN to the origin at which "
        "you open the site."
    )

"""Answers requests whose session is below what they need: a page that asks again, or a problem document."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse, HttpResponseRedirect

from frontend_site.backend.assurance import Assurance
from frontend_site.backend.client import AuthApiUnavailable
from frontend_site.backend.relay import relay_cookies
from frontend_site.backend.session_check import call_auth_api
from frontend_site.pages.forms import KeptField
from frontend_site.pages.reauthentication import ask_for_password
from frontend_site.pages.rendering import render
from frontend_site.security.endpoints import kind_of
from frontend_site.security.levels import Demand, rank
from frontend_site.security.next_url import CONTINUE, continue_url, safe_next
from frontend_site.security.origin import is_navigation, own_referer
from frontend_site.site_request import SiteRequest
from gatehouse.problems import Problem, problem_document

ENROL = "/account/factors"
_CODES = ("totp", "recovery")
_STEP_UP = Problem(
    "step-up-required", 403, "Step-up required",
    "Authenticate again with one of `methods`, then repeat the request.",
)  # fmt: skip
_NO_FACTOR = Problem(
    "second-factor-missing", 403, "Second factor required",
    f"This requires a second factor, and your account has none. Add one at {ENROL}, then repeat the request.",
)  # fmt: skip


def ask_again(request: SiteRequest, demand: Demand, level: Assurance) -> HttpResponse:
    """Return the answer for a request of this site, or to an upstream, that does not meet `demand`.

    A page leads to the page that asks, and back; a form is kept there, and completed. Anything else gets a
    problem document. Raises AuthApiUnavailable.
    """
    kind = kind_of(request.resolver_match.func, request.path_info) if request.resolver_match else ""
    if kind == "json" or not is_navigation(request):
        return problem(request, demand, level)
    if kind == "upstream":  # no link leads there from elsewhere, so no `next` does
        return HttpResponseRedirect(continue_url(safe_next(own_referer(request)), demand))
    if request.method == "POST":
        return _page(request, demand, level, back_to=safe_next(own_referer(request)))
    query = request.META.get("QUERY_STRING", "")
    wanted = f"{request.path_info}?{query}" if query else request.path_info
    return HttpResponseRedirect(continue_url(safe_next(wanted), demand))


def page_for(
    request: SiteRequest, demand: Demand, level: Assurance, *, target: str
) -> HttpResponse:
    """Return the page that asks, and then leads to `target`."""
    kept = {"next": target, "level": demand.level}
    if demand.max_age is not None:
        kept["max_age"] = str(demand.max_age)
    fields = [KeptField(name, value, "", "hidden") for name, value in kept.items()]
    return _page(request, demand, level, back_to=target, fields=fields, action=CONTINUE)


def problem(request: SiteRequest, demand: Demand, level: Assurance) -> HttpResponse:
    """Return a problem document (403) that says with which methods the user can meet `demand`."""
    methods = _second_factors(request)
    if _needs_factor(demand, level):
        if not methods:
            return problem_document(_NO_FACTOR, request.request_id, extra={"page": ENROL})
    else:
        methods = ["password", *methods]
    extra = {"acr": demand.level, "max_age": demand.longest_age, "methods": methods}
    return problem_document(_STEP_UP, request.request_id, extra=extra)


def _page(
    request: SiteRequest, demand: Demand, level: Assurance, *, back_to: str, **context: Any
) -> HttpResponse:
    """`back_to`: where a user without a second factor is led after adding one."""
    by_code = _needs_factor(demand, level)
    if by_code and not _second_factors(request):
        enrol = f"{ENROL}?{urlencode({'next': back_to}, safe='/')}"
        return render(request, "errors/no_second_factor.html", {"enrol": enrol}, status=403)
    return ask_for_password(request, by_code=by_code, **context)


def _needs_factor(demand: Demand, level: Assurance) -> bool:
    """Whether only a second factor is enough: the level is too low, not just the authentication too old."""
    return rank(level.acr) < rank(demand.level)


def _second_factors(request: SiteRequest) -> list[str]:
    """Return the user's methods beside the password, with one call, which only refused requests cost."""
    answer = call_auth_api(request, "factors")
    if answer.status >= 500:
        raise AuthApiUnavailable(f"factors: {answer.status}", retry_after=answer.retry_after)
    relay_cookies(request, answer)
    if answer.status != 200:  # the session has just ended, as the next request will say
        return list(_CODES)
    document = answer.document
    has = (document.get("items"), document.get("recovery_codes_left"))
    return [method for method, count in zip(_CODES, has, strict=True) if count]

"""Forward auth: tells a proxy, for each request to an app behind it, who is signed in.

nginx (`auth_request`), Traefik (ForwardAuth) and Caddy (`forward_auth`) send the request's headers
without its body, and describe the original request in headers of their own: its method, and the path by
which GATEHOUSE_ACCESS_RULES decides. A proxy must set them, whatever the browser sends.
"""

import re
from urllib.parse import urlencode

import structlog
from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect

from frontend_site import problems, step_up
from frontend_site.backend.assurance import Assurance
from frontend_site.backend.client import AuthApiUnavailable
from frontend_site.backend.relay import relay_cookies
from frontend_site.backend.session_check import ask_who, call_auth_api
from frontend_site.backend.users import SiteUser, level_of
from frontend_site.forward_auth.app_cookies import cookies_for_app
from frontend_site.forward_auth.claimed_identity import claimed_identity
from frontend_site.forward_auth.identity_headers import identity_headers
from frontend_site.forward_auth.question import NO_URI, Question, UnclearQuestion, level_in
from frontend_site.pages.backend_calls import current_profile
from frontend_site.pages.reauthentication import reauthenticate
from frontend_site.pages.rendering import render
from frontend_site.proxy.headers import browser_response
from frontend_site.security.access import level_to_open
from frontend_site.security.endpoints import page, probe
from frontend_site.security.levels import Demand, highest
from frontend_site.security.next_url import continue_url, needs_click, safe_next
from frontend_site.security.origin import (
    fetch_site,
    is_from_elsewhere,
    is_navigation,
    is_own_origin,
    own_referer,
)
from frontend_site.settings.levels import AAL1, LEVELS
from frontend_site.site_request import SiteRequest, request_target

_log = structlog.get_logger("frontend_site")
_PATH = "/auth/verify"
_FOREIGN = "If this is the site's own origin, set GATEHOUSE_PUBLIC_ORIGIN to it."
# For nginx, which takes no redirect from us: where to sign in; and which level a 403 is about.
_LOGIN, _LEVEL = "Gatehouse-Login", "Gatehouse-Level"
_SECONDS = re.compile("[0-9]{1,9}", re.ASCII)


@probe
def verify(request: SiteRequest) -> HttpResponseBase:
    """204 with who is signed in; 403 without access. Without a session: 302 to sign in for a navigation,
    401 with a link to do so for a form, 401 with a problem document for a fetch.

    The 204 has a `Cookie` header for the app: the request's, without our cookies. The proxy replaces
    the browser's with it (docs/decisions/0001-cookies-of-apps.md).

    `?audience=NAME` names the app in the identity token; `?claims=email,name,groups` chooses what it
    hears of the user; `?level=aal2` demands a second factor, as a rule can; `?redirect=no` turns a 302 into a 401.
    """
    # A proxy may know no other spelling of the path that it hides from browsers.
    if request_target(request).partition("?")[0] != _PATH:
        return problems.respond(request, problems.NOT_FOUND)
    try:
        question = Question.of(request)
    except UnclearQuestion as error:
        _log.warning("forward_auth.unclear", hint=str(error))
        return problems.respond(request, problems.BAD_REQUEST)
    if claim := claimed_identity(request.META):
        _log.warning("forward_auth.claimed_identity", name=claim)
        return problems.respond(request, problems.FORBIDDEN)
    if _is_foreign(request) and (question.may_have_effects or not is_navigation(request)):
        return problems.respond(request, problems.FORBIDDEN)
    if request.session_token is None:
        return _signed_out(request, question, problems.respond(request, problems.NO_SESSION))
    claims = question.claims or ()
    answer = call_auth_api(request, "identity", audience=question.audience, claims=claims)
    if answer.status >= 500:
        raise AuthApiUnavailable(f"identity: {answer.status}", retry_after=answer.retry_after)
    relay_cookies(request, answer)
    if answer.status != 200:
        return _signed_out(request, question, browser_response(answer))
    user = SiteUser.of(answer)
    needed = level_to_open(question.path, user.groups, user_id=user.id or "")
    if needed is None:
        if not question.path:
            _log.warning("forward_auth.unclear", hint=NO_URI)
        return _no_access(request)
    demand = Demand(highest((needed, question.level)))
    if not user.meets(demand):
        return _below(request, question, demand, user.assurance)
    # Always present: an empty one means that the app gets no cookie.
    cookies = cookies_for_app(request.META.get("HTTP_COOKIE", ""))
    headers = {**identity_headers(answer, question.claims, user.assurance), "Cookie": cookies}
    return HttpResponse(status=204, headers=headers)


@probe
def refused(request: SiteRequest) -> HttpResponse:
    """403 that says whom to ask or, with `?level=`, to authenticate again. nginx shows it, since it passes on
    no body of /auth/verify.
    """
    if request.GET.get("level") in (None, "", AAL1):  # nginx always sends one
        return _no_access(request)
    try:
        demand = Demand(level_in(request.GET))
    except UnclearQuestion:
        return problems.respond(request, problems.BAD_REQUEST)
    return _step_up(request, "", demand, Assurance())


@probe
def signed_out(request: SiteRequest) -> HttpResponse:
    """401 for a fetch or a form without a session. nginx shows it, for the same reason."""
    if not is_navigation(request):
        return problems.respond(request, problems.NO_SESSION)
    return _sign_in_page(request, request.headers.get("X-Original-URI", ""))


@page("GET", "POST", public=True)
def go_on(request: SiteRequest) -> HttpResponseBase:
    """Back to `next` for who is signed in, else to the login page.

    Between an app and the login page, because a link from elsewhere arrives without the Strict
    cookie: this page gets the same-site reload (middleware/same_site.py), and the app cannot.
    For an app that requires a click, this page asks for it. With `level` (and `max_age`), it first asks for the
    password or a code of a session that does not meet them: what leads here cannot show a form itself.
    """
    sent = request.POST if request.method == "POST" else request.GET
    destination = safe_next(sent.get("next"))
    if not request.session_token or not current_profile(request):
        return HttpResponseRedirect(f"/login?{urlencode({'next': destination}, safe='/')}")
    if request.method == "POST":
        asked_again = reauthenticate(request)
    else:
        asked_again = _asked_again(request, destination)
    if asked_again is not None:
        return asked_again
    if needs_click(destination):
        return render(request, "continue.html", {"target": destination})
    return HttpResponseRedirect(destination)


def _signed_out(
    request: SiteRequest, question: Question, response: HttpResponse
) -> HttpResponseBase:
    if not is_navigation(request):
        return response
    if question.may_have_effects:
        return _sign_in_page(request, question.uri)
    target = continue_url(safe_next(question.uri))
    if request.GET.get("redirect") != "no":
        return HttpResponseRedirect(target)
    response[_LOGIN] = target
    return response


def _asked_again(request: SiteRequest, destination: str) -> HttpResponse | None:
    """Return the page that asks for a password or code, or None if the session is what `request` asks for.

    What is demanded is in the link, so it can only make the user authenticate: the place where it leads demands it
    itself.
    """
    level, max_age = request.GET.get("level", ""), request.GET.get("max_age", "")
    if level not in LEVELS:
        return None
    demand = Demand(level, int(max_age) if _SECONDS.fullmatch(max_age) else None)
    present = level_of(ask_who(request, "session-peek"))
    if present.meets(demand):
        return None
    return step_up.page_for(request, demand, present, target=destination)


def _below(
    request: SiteRequest, question: Question, demand: Demand, level: Assurance
) -> HttpResponseBase:
    """Return the answer for a session that is too low: as `_signed_out`, but a fetch gets a 403."""
    if not is_navigation(request) or question.may_have_effects:
        response = _step_up(request, question.uri, demand, level)
        response[_LEVEL] = demand.level
        return response
    target = continue_url(safe_next(question.uri), demand)
    if request.GET.get("redirect") != "no":
        return HttpResponseRedirect(target)
    return HttpResponse(status=401, headers={_LOGIN: target})


def _step_up(request: SiteRequest, uri: str, demand: Demand, level: Assurance) -> HttpResponse:
    if not is_navigation(request):
        return step_up.problem(request, demand, level)
    target = continue_url(safe_next(own_referer(request) or uri), demand)
    return render(request, "errors/step_up.html", {"target": target}, status=403)


def _no_access(request: SiteRequest) -> HttpResponse:
    if not is_navigation(request):
        return problems.respond(request, problems.refused())
    return render(request, "errors/no_access.html", status=403)


def _sign_in_page(request: SiteRequest, uri: str) -> HttpResponse:
    """401 with the way back. A link cannot send a form to `uri` again: it leads to the form's page."""
    context = {"target": continue_url(safe_next(own_referer(request) or uri))}
    return render(request, "errors/signed_out.html", context, status=401)


def _is_foreign(request: SiteRequest) -> bool:
    """Whether another site, or a sibling host, has sent it. Old browsers send an Origin only."""
    if fetch_site(request):
        return is_from_elsewhere(request)
    origin = request.META.get("HTTP_ORIGIN", "")
    if not origin or is_own_origin(request, origin):
        return False
    _log.warning("forward_auth.foreign_origin", origin=origin[:100], hint=_FOREIGN)
    return True

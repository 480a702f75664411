"""Forward auth: tells a proxy, for each request to an app behind it, who is signed in.

nginx (`auth_request`), Traefik (ForwardAuth) and Caddy (`forward_auth`) send the request's headers
without its body, and describe the original request in headers of their own. These are trusted for two
things only: where to return after a sign-in (always a path of this site), and whether the method is safe.
"""

import re
from dataclasses import dataclass
from urllib.parse import quote, urlencode

import structlog
from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect

from frontend_site import problems
from frontend_site.backend.client import Answer, AuthApiUnavailable
from frontend_site.backend.relay import relay_cookies
from frontend_site.backend.session_check import call_auth_api
from frontend_site.forward_auth.app_cookies import cookies_for_app
from frontend_site.forward_auth.claimed_identity import claimed_identity
from frontend_site.options import options
from frontend_site.pages.backend_calls import current_profile
from frontend_site.pages.rendering import render
from frontend_site.proxy.headers import browser_response
from frontend_site.security.endpoints import page, probe
from frontend_site.security.next_url import continue_url, needs_click, safe_next
from frontend_site.security.origin import fetch_site, is_own_origin
from frontend_site.site_request import SiteRequest

_log = structlog.get_logger("frontend_site")
_AUDIENCE = re.compile(r"[a-z][a-z0-9-]{0,30}", re.ASCII)
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_LOGIN = "Gatehouse-Login"  # where to sign in, for nginx, which takes no redirect from us


@dataclass(frozen=True)
class Original:
    """The request that the proxy asks about."""

    method: str
    uri: str
    upgrades: bool  # to a websocket: no method tells that it has effects

    @classmethod
    def of(cls, request: SiteRequest) -> "Original":
        headers = request.headers
        return cls(
            method=headers.get("X-Forwarded-Method") or headers.get("X-Original-Method", ""),
            uri=headers.get("X-Forwarded-Uri") or headers.get("X-Original-Uri", ""),
            upgrades="Sec-WebSocket-Key" in headers,
        )

    @property
    def may_have_effects(self) -> bool:
        return self.method not in _SAFE or self.upgrades


@probe
def verify(request: SiteRequest) -> HttpResponseBase:
    """204 with who is signed in; 401 for a fetch; 302 to sign in for a navigation.

    The 204 has a `Cookie` header for the app: the request's, without our cookies. The proxy replaces
    the browser's with it (docs/decisions/0001-cookies-of-apps.md).

    `?audience=NAME` names the app in the identity token; `?redirect=no` turns the 302 into a 401.
    """
    original, audience = Original.of(request), request.GET.get("audience", "forward-auth")
    # A token for an upstream opens that upstream: only the BFF's own calls carry one.
    upstreams = {upstream.name for upstream in options().upstreams}
    if not original.method or not _AUDIENCE.fullmatch(audience) or audience in upstreams:
        return problems.respond(request, problems.BAD_REQUEST)
    if claim := claimed_identity(request.META):
        _log.warning("forward_auth.claimed_identity", name=claim)
        return problems.respond(request, problems.FORBIDDEN)
    if _is_foreign(request) and (original.may_have_effects or not _is_navigation(request)):
        return problems.respond(request, problems.FORBIDDEN)
    if request.session_token is None:
        return _denied(request, original, problems.respond(request, problems.NO_SESSION))
    answer = call_auth_api(request, "identity", audience=audience)
    if answer.status >= 500:
        raise AuthApiUnavailable(f"identity: {answer.status}", retry_after=answer.retry_after)
    relay_cookies(request, answer)
    if answer.status != 200:
        return _denied(request, original, browser_response(answer))
    # Always present: an empty one means that the app gets no cookie.
    cookies = cookies_for_app(request.META.get("HTTP_COOKIE", ""))
    return HttpResponse(status=204, headers={**_identity_headers(answer), "Cookie": cookies})


@page("GET", public=True)
def go_on(request: SiteRequest) -> HttpResponseBase:
    """Back to `next` for who is signed in, else to the login page.

    Between an app and the login page, because a link from elsewhere arrives without the Strict
    cookie: this page gets the same-site reload (middleware/same_site.py), and the app cannot.
    For an app that requires a click, this page asks for it.
    """
    destination = safe_next(request.GET.get("next"))
    if not request.session_token or not current_profile(request):
        return HttpResponseRedirect(f"/login?{urlencode({'next': destination}, safe='/')}")
    if needs_click(destination):
        return render(request, "continue.html", {"target": destination})
    return HttpResponseRedirect(destination)


def _denied(request: SiteRequest, original: Original, response: HttpResponse) -> HttpResponseBase:
    if original.may_have_effects or not _is_navigation(request):
        return response
    target = continue_url(safe_next(original.uri))
    if request.GET.get("redirect") != "no":
        return HttpResponseRedirect(target)
    response[_LOGIN] = target
    return response


def _is_foreign(request: SiteRequest) -> bool:
    """Whether another site, or a sibling host, has sent it. Old browsers send an Origin only."""
    if site := fetch_site(request):
        return site in ("cross-site", "same-site")
    origin = request.META.get("HTTP_ORIGIN", "")
    return bool(origin) and not is_own_origin(request, origin)


def _is_navigation(request: SiteRequest) -> bool:
    if mode := request.headers.get("Sec-Fetch-Mode"):
        return mode == "navigate"
    return "text/html" in request.headers.get("Accept", "")


def _identity_headers(answer: Answer) -> dict[str, str]:
    user, session = answer.document["user"], answer.document["session"]
    return {
        "Gatehouse-User-Id": user["id"],
        "Gatehouse-User-Email": quote(user["email"], safe="@!#$&'*+/=?^_`{|}~.-"),
        "Gatehouse-Session": session["handle"],
        "Gatehouse-Identity": answer.document["token"],
    }

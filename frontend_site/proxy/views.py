"""Proxies /api/auth/* to auth_api and relays its cookies."""

from django.http import HttpResponse, HttpResponseBase, JsonResponse

from frontend_site.backend.client import ROUTES
from frontend_site.backend.relay import CLEAR_SITE_DATA, relay_cookies
from frontend_site.backend.session_check import call_auth_api
from frontend_site.security.endpoints import View, endpoint
from frontend_site.site_request import SiteRequest, query_value

from .headers import browser_response, long_response


def _forward(request: SiteRequest, route: str, *, handle: str = "") -> HttpResponse:
    """One call; AuthApiUnavailable is answered by ProblemMiddleware."""
    body, content_type = _body_of(request)
    answer = call_auth_api(request, route, body=body, content_type=content_type, handle=handle)
    relay_cookies(request, answer)
    return browser_response(answer)


def _body_of(request: SiteRequest) -> tuple[bytes, str]:
    """Return the body and its type. No body counts as `{}`: auth_api then names the missing fields."""
    if request.method in ("GET", "HEAD"):
        return b"", ""
    if not request.body:
        return b"{}", "application/json"
    return request.body, request.META.get("CONTENT_TYPE", "")


def _proxied(call: str, *, public: bool = False) -> View:
    """Return the view that passes on one call of ROUTES, by its method.

    It has the name of its call: metrics and logs know requests by the name of their view.
    """

    def view(request: SiteRequest) -> HttpResponse:
        return _forward(request, call)

    method, _ = ROUTES[call]
    view.__name__ = view.__qualname__ = call.replace("-", "_")
    return endpoint(method, public=public, session="use" if public else "own-call")(view)


login = _proxied("login", public=True)
# The second step of a sign-in: a code, or an app that must be added.
finish_sign_in = _proxied("finish-sign-in", public=True)
begin_enrolment = _proxied("begin-enrolment", public=True)
finish_enrolment = _proxied("finish-enrolment", public=True)
factors = _proxied("factors")
begin_totp = _proxied("begin-totp")
confirm_totp = _proxied("confirm-totp")
make_recovery_codes = _proxied("make-recovery-codes")
confirm_recovery_codes = _proxied("confirm-recovery-codes")
sessions = _proxied("sessions")
disown = _proxied("disown", public=True)
revoke_others = _proxied("revoke-others")
revoke_all = _proxied("revoke-all")
security_events = _proxied("security-events")
# The password again, for what asks for it; the session goes on under a new secret.
reauthenticate = _proxied("reauthenticate")
register = _proxied("register", public=True)
accept_invitation = _proxied("accept-invitation", public=True)
verify_email = _proxied("verify-email", public=True)
resend_verification = _proxied("resend-verification", public=True)
change_address = _proxied("change-address")
confirm_address = _proxied("confirm-address", public=True)
restore_address = _proxied("restore-address", public=True)
forgot_password = _proxied("forgot-password", public=True)
reset_password = _proxied("reset-password", public=True)
change_password = _proxied("change-password")
keep_account = _proxied("keep-account", public=True)
# The keys that verify identity tokens: services behind us need not reach auth_api.
jwks = _proxied("jwks", public=True)


@endpoint("GET", public=True)
def csrf(request: SiteRequest) -> HttpResponse:
    """The token that unsafe calls send as X-CSRF-Token; the cookie beside it comes along."""
    return JsonResponse({"csrfToken": request.csrf.token()})


@endpoint("PATCH", "DELETE", session="own-call")
def factor_detail(request: SiteRequest, handle: str) -> HttpResponse:
    route = "rename-factor" if request.method == "PATCH" else "remove-factor"
    return _forward(request, route, handle=handle)


@endpoint("POST", public=True)
def logout(request: SiteRequest) -> HttpResponse:
    response = _forward(request, "logout")
    if response.status_code == 204:
        response["Clear-Site-Data"] = CLEAR_SITE_DATA
    return response


@endpoint("GET", session="own-call")
def session(request: SiteRequest) -> HttpResponse:
    """`?slide=false` looks without counting as use, and touches no cookie.

    Open pages look when a session was ended: an answer to the old cookie must not expire the new
    one, which a sign-in may just have brought.
    """
    if query_value(request, "slide") == "false":
        return browser_response(call_auth_api(request, "session-peek"))
    return _forward(request, "session")


@endpoint("DELETE", session="own-call")
def session_detail(request: SiteRequest, handle: str) -> HttpResponse:
    return _forward(request, "end-session", handle=handle)


@endpoint("PATCH", "DELETE", session="own-call")
def account(request: SiteRequest) -> HttpResponse:
    """Change one's name, or delete one's account."""
    if request.method == "PATCH":
        return _forward(request, "change-name")
    response = _forward(request, "delete-account")
    if response.status_code in (202, 204):
        response["Clear-Site-Data"] = CLEAR_SITE_DATA
    return response


@endpoint("GET", session="own-call")
def export_account(request: SiteRequest) -> HttpResponseBase:
    """The answer has any length."""
    answer = call_auth_api(request, "export-account")
    relay_cookies(request, answer)
    return long_response(answer)

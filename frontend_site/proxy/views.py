"""Proxies /api/auth/* to auth_api and relays its cookies."""

from django.http import HttpResponse, HttpResponseBase, JsonResponse

from frontend_site.backend.relay import CLEAR_SITE_DATA, relay_cookies
from frontend_site.backend.session_check import call_auth_api
from frontend_site.security.endpoints import endpoint
from frontend_site.site_request import SiteRequest, query_value

from .headers import browser_response, long_response


@endpoint("GET", public=True)
def csrf(request: SiteRequest) -> HttpResponse:
    """The token that unsafe calls send as X-CSRF-Token; the cookie beside it comes along."""
    return JsonResponse({"csrfToken": request.csrf.token()})


@endpoint("POST", public=True)
def login(request: SiteRequest) -> HttpResponse:
    return _forward(request, "login")


@endpoint("POST", public=True)
def finish_sign_in(request: SiteRequest) -> HttpResponse:
    """The second step of a sign-in."""
    return _forward(request, "finish-sign-in")


@endpoint("POST", public=True)
def begin_enrolment(request: SiteRequest) -> HttpResponse:
    """The secret of the app that a sign-in must add."""
    return _forward(request, "begin-enrolment")


@endpoint("POST", public=True)
def finish_enrolment(request: SiteRequest) -> HttpResponse:
    return _forward(request, "finish-enrolment")


@endpoint("GET", session="own-call")
def factors(request: SiteRequest) -> HttpResponse:
    return _forward(request, "factors")


@endpoint("POST", session="own-call")
def begin_totp(request: SiteRequest) -> HttpResponse:
    return _forward(request, "begin-totp")


@endpoint("POST", session="own-call")
def confirm_totp(request: SiteRequest) -> HttpResponse:
    return _forward(request, "confirm-totp")


@endpoint("POST", session="own-call")
def make_recovery_codes(request: SiteRequest) -> HttpResponse:
    return _forward(request, "make-recovery-codes")


@endpoint("POST", session="own-call")
def confirm_recovery_codes(request: SiteRequest) -> HttpResponse:
    return _forward(request, "confirm-recovery-codes")


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


@endpoint("GET", session="own-call")
def sessions(request: SiteRequest) -> HttpResponse:
    return _forward(request, "sessions")


@endpoint("DELETE", session="own-call")
def session_detail(request: SiteRequest, handle: str) -> HttpResponse:
    return _forward(request, "end-session", handle=handle)


@endpoint("POST", public=True)
def disown(request: SiteRequest) -> HttpResponse:
    return _forward(request, "disown")


@endpoint("POST", session="own-call")
def revoke_others(request: SiteRequest) -> HttpResponse:
    return _forward(request, "revoke-others")


@endpoint("POST", session="own-call")
def revoke_all(request: SiteRequest) -> HttpResponse:
    return _forward(request, "revoke-all")


@endpoint("GET", session="own-call")
def security_events(request: SiteRequest) -> HttpResponse:
    return _forward(request, "security-events")


@endpoint("POST", session="own-call")
def reauthenticate(request: SiteRequest) -> HttpResponse:
    """The password again, for what asks for it; the session goes on under a new secret."""
    return _forward(request, "reauthenticate")


@endpoint("POST", public=True)
def register(request: SiteRequest) -> HttpResponse:
    return _forward(request, "register")


@endpoint("POST", public=True)
def accept_invitation(request: SiteRequest) -> HttpResponse:
    return _forward(request, "accept-invitation")


@endpoint("POST", public=True)
def verify_email(request: SiteRequest) -> HttpResponse:
    return _forward(request, "verify-email")


@endpoint("POST", public=True)
def resend_verification(request: SiteRequest) -> HttpResponse:
    return _forward(request, "resend-verification")


@endpoint("POST", session="own-call")
def change_address(request: SiteRequest) -> HttpResponse:
    return _forward(request, "change-address")


@endpoint("POST", public=True)
def confirm_address(request: SiteRequest) -> HttpResponse:
    return _forward(request, "confirm-address")


@endpoint("POST", public=True)
def restore_address(request: SiteRequest) -> HttpResponse:
    return _forward(request, "restore-address")


@endpoint("POST", public=True)
def forgot_password(request: SiteRequest) -> HttpResponse:
    return _forward(request, "forgot-password")


@endpoint("POST", public=True)
def reset_password(request: SiteRequest) -> HttpResponse:
    return _forward(request, "reset-password")


@endpoint("POST", session="own-call")
def change_password(request: SiteRequest) -> HttpResponse:
    return _forward(request, "change-password")


@endpoint("PATCH", "DELETE", session="own-call")
def account(request: SiteRequest) -> HttpResponse:
    """Change one's name, or delete one's account."""
    if request.method == "PATCH":
        return _forward(request, "change-name")
    response = _forward(request, "delete-account")
    if response.status_code in (202, 204):
        response["Clear-Site-Data"] = CLEAR_SITE_DATA
    return response


@endpoint("POST", public=True)
def keep_account(request: SiteRequest) -> HttpResponse:
    return _forward(request, "keep-account")


@endpoint("GET", session="own-call")
def export_account(request: SiteRequest) -> HttpResponseBase:
    """The answer has any length."""
    answer = call_auth_api(request, "export-account")
    relay_cookies(request, answer)
    return long_response(answer)


@endpoint("GET", public=True)
def jwks(request: SiteRequest) -> HttpResponse:
    """The keys that verify identity tokens: services behind us need not reach auth_api."""
    return _forward(request, "jwks")


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

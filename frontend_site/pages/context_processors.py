"""The variables that every template has."""

from typing import Any

from django.http import HttpRequest

from frontend_site.backend.users import NOBODY
from frontend_site.options import options
from frontend_site.site_request import nonce_of
from gatehouse.cookies import CSRF_COOKIE

from .page_session import page_session

_USUAL = "__Host-csrf"  # what gatehouse.js reads by default


def site(request: HttpRequest) -> dict[str, Any]:
    """`csrf_state` feeds {% csrf_token %}, `csrf_token` is its text; a token is made only when a form asks for it.

    `user` is `request.user`. `page_session` is what is known of the session. `has_session`: there is a session cookie, which proves nothing.

    `csrf_cookie`: the name of that cookie, which scripts read, if GATEHOUSE_COOKIE_SUFFIX changes it.

    `may_register`: whether everybody may create an account; otherwise they ask `contact`.

    Attributes may be missing on an error page of a request that never reached our middleware.
    """
    csrf, ours = getattr(request, "csrf", None), options()
    return {
        "site_name": ours.site_name,
        "csrf_state": csrf,
        "csrf_token": csrf or "",
        "csrf_cookie": CSRF_COOKIE if CSRF_COOKIE != _USUAL else "",
        "csp_nonce": nonce_of(request),
        "request_id": getattr(request, "request_id", ""),
        "page_session": page_session(request),
        "user": getattr(request, "user", NOBODY),
        "may_register": ours.registration == "open",
        "contact": ours.contact,
        "has_session": bool(csrf and getattr(request, "session_token", None)),
    }

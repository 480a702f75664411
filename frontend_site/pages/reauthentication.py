"""Asks for the password again, and then completes the action (docs/explanation/reauthentication.md).

The page repeats the form that was sent, so what is asked for is completed by one more POST to the
same address: nothing is kept on the server, and a changed form is no more than the user could
send anyway, behind the same CSRF gates.
"""

import json
from typing import Any

from django.http import HttpResponse

from frontend_site.backend.client import Answer, AuthApiUnavailable
from frontend_site.backend.relay import relay_cookies
from frontend_site.backend.session_check import SIGNED_OUT
from frontend_site.errors import SignInRequired
from frontend_site.pages.backend_calls import call_or_503, current_profile
from frontend_site.pages.form_errors import form_again
from frontend_site.pages.rendering import render
from frontend_site.security.csrf import FIELD as CSRF_FIELD
from frontend_site.site_request import SiteRequest

from .forms import code_form, kept_fields

PASSWORD = "reauthentication_password"  # noqa: S105 - the field's name
ACCOUNT = "reauthentication_account"  # whose password the page asked for
CODE = "reauthentication_code"  # instead of the password, of an account with a second factor
_OURS = (CSRF_FIELD, PASSWORD, CODE, ACCOUNT)
_TEMPLATE = "reauthenticate.html"
_ANOTHER = "You have since signed in to another account, so nothing was changed. Do you still want to do this?"


def ask_for_password(
    request: SiteRequest, message: str = "", *, by_code: bool = False, **other: Any
) -> HttpResponse:
    """Return the page that asks for the password, or a code, and contains the rest of the form.

    `other`: `fields` and `action` of another form than the request's.
    """
    context = {**_context(request), "message": message, "by_code": by_code, **other}
    return render(request, _TEMPLATE, context, status=403)


def reauthenticate(request: SiteRequest) -> HttpResponse | None:
    """Try the password that was typed on the page: the page again, or None when the view may go on.

    From then on the request speaks for the renewed session. Raises SignInRequired.
    """
    by_code = CODE in request.POST
    proof = code_form(request.POST.get(CODE, "")) if by_code else _password_form(request)
    answer = call_or_503(request, "reauthenticate", json.dumps(proof).encode())
    if answer.status == 200:
        relay_cookies(request, answer)
        return None if _is_whom_we_asked(request, answer) else ask_for_password(request, _ANOTHER)
    if answer.slug in SIGNED_OUT:
        relay_cookies(request, answer)
        raise SignInRequired("session-ended")
    if answer.slug == "step-up-required":  # the session is older than the account's second factor
        return ask_for_password(request, by_code=True)
    refused = "Incorrect code." if by_code else "Incorrect password."
    context = {**_context(request), "refused": refused, "by_code": by_code}
    return form_again(request, _TEMPLATE, answer, context)


def _password_form(request: SiteRequest) -> dict[str, str]:
    return {"password": request.POST.get(PASSWORD, "")}


def _is_whom_we_asked(request: SiteRequest, answer: Answer) -> bool:
    """Return False if another tab has signed in to another account, which this form is not about."""
    user = answer.document.get("user")
    asked = request.POST.get(ACCOUNT)
    return not asked or (isinstance(user, dict) and user.get("id") == asked)


def _context(request: SiteRequest) -> dict[str, Any]:
    try:
        profile = current_profile(request)
    except AuthApiUnavailable:  # show the form without a name rather than lose it
        profile = None
    return {
        "profile": profile,
        "fields": kept_fields(request.POST, without=_OURS),
        "action": request.path,
    }

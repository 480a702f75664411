"""The pages that e-mailed links open. They work signed out, and for navigations from any site.

GET shows a form: mail scanners and previews open links too. The form holds the token (a Strict
cookie would not arrive here from a webmail), the script takes it out of the address bar, and
nothing is sent as Referer (ASVS 14.2.1, 3.4.5).
"""

from django.http import HttpResponse

from frontend_site.backend.answer import as_agreed
from frontend_site.backend.client import Answer
from frontend_site.backend.relay import relay_cookies
from frontend_site.pages.backend_calls import call_or_503
from frontend_site.pages.form_errors import form_again
from frontend_site.pages.rendering import render
from frontend_site.pages.times import moment
from frontend_site.security.endpoints import page
from frontend_site.site_request import SiteRequest

from .forms import as_json, typed

_NOT_THE_REGISTRANT = (
    "This is not the password from your registration. If someone else registered your "
    "address, register again: only the newest registration counts."
)
_NOT_THE_ACCOUNT = (
    "Enter the password of the account that requested this address. If you did not request it, "
    "close this page. Nothing has changed."
)


@page("GET", "POST", public=True)
def accept_invitation(request: SiteRequest) -> HttpResponse:
    return _mailed_link(request, "accept-invitation", "invitation", "password", "name")


@page("GET", "POST", public=True)
def verify_email(request: SiteRequest) -> HttpResponse:
    return _mailed_link(
        request, "verify-email", "verify_email", "password", refused=_NOT_THE_REGISTRANT
    )


@page("GET", "POST", public=True)
def confirm_address(request: SiteRequest) -> HttpResponse:
    """Ask for the password only if the browser is not signed in to the account that asked."""
    return _mailed_link(
        request, "confirm-address", "confirm_address", "password", refused=_NOT_THE_ACCOUNT
    )


@page("GET", "POST", public=True)
def restore_address(request: SiteRequest) -> HttpResponse:
    return _mailed_link(request, "restore-address", "restore_address")


@page("GET", "POST", public=True)
def keep_account(request: SiteRequest) -> HttpResponse:
    return _mailed_link(request, "keep-account", "keep_account")


def offer_to_keep(request: SiteRequest, answer: Answer) -> HttpResponse:
    """Return the same page for a complete sign-in to an account that is to be deleted."""
    relay_cookies(request, answer)
    with as_agreed("a pending deletion"):
        token, at = str(answer.document["keep_token"]), moment(answer.document["deletes_at"])
    context = {"token": token, "deletes_at": at, "signed_in": True}
    return render(request, "keep_account.html", context, status=403)


@page("GET", "POST", public=True)
def reset_password(request: SiteRequest) -> HttpResponse:
    return _mailed_link(request, "reset-password", "reset_password", "password")


@page("GET", "POST", public=True)
def disown_sign_in(request: SiteRequest) -> HttpResponse:
    return _mailed_link(request, "disown", "disown")


def _mailed_link(
    request: SiteRequest, route: str, template: str, *fields: str, refused: str = ""
) -> HttpResponse:
    """`fields` are asked for beside the token; `refused` are the words for a 401."""
    if request.method == "POST":
        form = typed(request.POST, "token", *fields)
        answer = call_or_503(request, route, as_json(form))
        if answer.status == 200:
            relay_cookies(request, answer)
            response = render(request, f"{template}_done.html")
        else:
            context = {
                "token": form["token"],
                "name": form.get("name", ""),
                "refused": refused,
                "wants_password": answer.status in (401, 429),
            }
            response = form_again(request, f"{template}.html", answer, context)
    else:
        response = render(request, f"{template}.html", {"token": request.GET.get("token", "")})
    response["Referrer-Policy"] = "no-referrer"
    return response

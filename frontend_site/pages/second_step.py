"""The second step of a sign-in: a code, or the app that the account must have."""

from urllib.parse import urlencode

from django.http import HttpResponse, HttpResponseRedirect

from frontend_site.backend.client import Answer
from frontend_site.backend.relay import relay_cookies
from frontend_site.pages.backend_calls import call_or_503
from frontend_site.pages.form_errors import form_again
from frontend_site.pages.mailed_links import offer_to_keep
from frontend_site.pages.rendering import render
from frontend_site.security.endpoints import page
from frontend_site.security.next_url import redirect_target, safe_next
from frontend_site.site_request import SiteRequest

from .app_secrets import shown_secret
from .forms import as_json, code_form, typed

_CODE, _ENROL = "login_code.html", "login_enrol.html"


def second_step(answer: Answer, destination: str) -> HttpResponse:
    """Redirect to the step that auth_api wants after the right password."""
    enrols = answer.document["pending"].get("purpose") == "enrol"
    path = "/login/enrol" if enrols else "/login/code"
    return HttpResponseRedirect(f"{path}?" + urlencode({"next": destination}))


@page("GET", "POST", public=True)
def sign_in_code(request: SiteRequest) -> HttpResponse:
    """Ask for the code that completes the sign-in which waits in this browser."""
    if request.method != "POST":
        return render(request, _CODE, {"next": safe_next(request.GET.get("next"))})
    destination = safe_next(request.POST.get("next"))
    form = code_form(request.POST.get("code", ""))
    answer = call_or_503(request, "finish-sign-in", as_json(form))
    if answer.status == 200:
        relay_cookies(request, answer)
        return HttpResponseRedirect(redirect_target(destination))
    if answer.slug == "deletion-pending":
        return offer_to_keep(request, answer)
    if _is_over(answer):
        return _start_again(destination)
    context = {"next": destination, "refused": f"Incorrect or already used code. {_tries(answer)}"}
    return form_again(request, _CODE, answer, context)


@page("GET", "POST", public=True)
def enrol(request: SiteRequest) -> HttpResponse:
    """Add the app that completes the sign-in which waits in this browser.

    GET explains; POST shows the secret, and with a `code` from it completes the sign-in. The secret is shown
    once by auth_api, so the form carries it until a code is right.
    """
    if request.method != "POST":
        return render(request, _ENROL, {"next": safe_next(request.GET.get("next"))})
    destination = safe_next(request.POST.get("next"))
    return (_finish if "code" in request.POST else _begin)(request, destination)


def _begin(request: SiteRequest, destination: str) -> HttpResponse:
    answer = call_or_503(request, "begin-enrolment", b"{}")
    if _is_over(answer):
        return _start_again(destination)
    context = {"next": destination}
    if answer.status != 200:
        return form_again(request, _ENROL, answer, context)
    return render(request, _ENROL, {**context, **shown_secret(answer.document)})


def _finish(request: SiteRequest, destination: str) -> HttpResponse:
    form = typed(request.POST, "code", "name")
    answer = call_or_503(request, "finish-enrolment", as_json(form))
    if answer.status == 200:
        relay_cookies(request, answer)
        done = {"done": "enrolled", "next": destination}
        return HttpResponseRedirect("/account/factors?" + urlencode(done))
    if answer.slug == "deletion-pending":
        return offer_to_keep(request, answer)
    if _is_over(answer):
        return _start_again(destination)
    if answer.status == 404:  # begun in another tab, too: its secret counts
        return HttpResponseRedirect("/login/enrol?" + urlencode({"next": destination}))
    context = {
        **shown_secret(typed(request.POST, "secret", "uri")),
        "name": form["name"],
        "next": destination,
        "refused": f"Incorrect code. Check that your device's clock is correct. {_tries(answer)}",
    }
    return form_again(request, _ENROL, answer, context)


def _is_over(answer: Answer) -> bool:
    return answer.slug == "sign-in-expired" or answer.document.get("tries_left") == 0


def _start_again(destination: str) -> HttpResponse:
    expired = {"notice": "sign-in-expired", "next": destination}
    return HttpResponseRedirect("/login?" + urlencode(expired))


def _tries(answer: Answer) -> str:
    left = answer.document.get("tries_left")
    return "1 attempt is left." if left == 1 else f"{left} attempts are left."

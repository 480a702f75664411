"""The pages for home, sign-in, registration, account and sign-out."""

from django.http import HttpResponse, HttpResponseRedirect

from frontend_site.backend.client import AuthApiUnavailable
from frontend_site.backend.relay import relay_cookies
from frontend_site.backend.session_check import call_auth_api
from frontend_site.options import options
from frontend_site.pages.backend_calls import call_or_503, current_profile, required_profile
from frontend_site.pages.form_errors import form_again
from frontend_site.pages.mailed_links import offer_to_keep
from frontend_site.pages.rendering import render, signed_out
from frontend_site.security.endpoints import page
from frontend_site.security.next_url import redirect_target, safe_next
from frontend_site.site_request import SiteRequest, query_value

from .forms import LoginForm, RegisterForm, as_json
from .second_step import second_step

_JSON = "application/json"
_NOTICES = {
    "session-ended": "Your session has ended. Sign in to continue.",
    "password-changed": "Your password has been changed. Sign in with the new one.",
    "sign-in-expired": "Your sign-in took too long, or you entered too many wrong codes. Start again.",
    "signed-out": "You have been signed out.",
    "deletion": "Your account will be deleted. We have sent you a message that says when, and how to keep it.",
    "deleted": "Your account and everything that we stored about you have been deleted.",
}


@page("GET", public=True)
def home(request: SiteRequest) -> HttpResponse:
    return render(request, "home.html")


@page("GET", "POST", public=True)
def login(request: SiteRequest) -> HttpResponse:
    if request.method == "POST":
        return _sign_in(request)
    destination = safe_next(request.GET.get("next"))
    if request.session_token and (profile := current_profile(request)):
        context = {"profile": profile, "next": redirect_target(destination)}
        return render(request, "login_again.html", context)
    notice = request.GET.get("notice", "")
    context = {"form": LoginForm(), "next": destination, "notice": _NOTICES.get(notice, "")}
    return render(
        request,
        "login.html",
        {**context, "signed_out": notice in ("signed-out", "deletion", "deleted")},
    )


def _sign_in(request: SiteRequest) -> HttpResponse:
    form, destination = LoginForm.read(request.POST), safe_next(request.POST.get("next"))
    answer = call_or_503(request, "login", as_json(form))
    if answer.status == 200:
        relay_cookies(request, answer)
        if "pending" in answer.document:
            return second_step(answer, destination)
        return HttpResponseRedirect(redirect_target(destination))
    if answer.slug == "deletion-pending":
        return offer_to_keep(request, answer)
    return form_again(request, "login.html", answer, {"form": form, "next": destination})


@page("GET", "POST", public=True)
def register(request: SiteRequest) -> HttpResponse:
    if options().registration != "open":
        return _closed(request)
    if request.method != "POST":
        return render(request, "register.html", {"form": RegisterForm()})
    form = RegisterForm.read(request.POST)
    answer = call_or_503(request, "register", as_json(form))
    if answer.status == 202:
        relay_cookies(request, answer)
        return render(request, "register_done.html", {"email": form.email}, status=202)
    if answer.slug == "registration-closed":
        return _closed(request)
    return form_again(request, "register.html", answer, {"form": form})


def _closed(request: SiteRequest) -> HttpResponse:
    context = {"by_invitation": options().registration == "invite"}
    return render(request, "register_closed.html", context, status=403)


@page("GET")
def account(request: SiteRequest) -> HttpResponse:
    notice = "Your name has been changed." if query_value(request, "done") == "name" else ""
    context = {"profile": required_profile(request), "notice": notice}
    return render(request, "account/account.html", context)


@page("GET", "POST", public=True)
def logout(request: SiteRequest) -> HttpResponse:
    """GET shows a button; only POST signs out."""
    if request.method != "POST":
        return render(request, "logout.html")
    answer = call_auth_api(request, "logout", body=b"{}", content_type=_JSON)
    if answer.status != 204:
        raise AuthApiUnavailable(f"logout: {answer.status}", retry_after=answer.retry_after)
    relay_cookies(request, answer)
    return signed_out("signed-out")

"""The pages: parse, make at most one call, render."""

from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from frontend_site.auth_client import Answer, AuthApiUnavailable, auth_api
from frontend_site.caller import caller_of
from frontend_site.endpoints import page
from frontend_site.errors import SignInRequired
from frontend_site.http import SiteRequest
from frontend_site.next import safe_next
from frontend_site.relay import CLEAR_SITE_DATA, relay_cookies

from .forms import LoginForm, RegisterForm, VerifyForm, as_json, field_errors
from .profile import Profile

_JSON = "application/json"
_REFUSED = "This e-mail address and password do not open an account."
_NOT_THE_REGISTRANT = (
    "This is not the password that was chosen at registration. If you did not choose it, "
    "register again: the newest registration counts."
)
_NOTICES = {
    "session-ended": "Your session has ended. Sign in to go on.",
    "signed-out": "You are signed out.",
}


@page("GET", public=True)
def home(request: SiteRequest) -> HttpResponse:
    return render(request, "home.html")


@page("GET", "POST", public=True)
def login(request: SiteRequest) -> HttpResponse:
    if request.method == "POST":
        return _sign_in(request)
    destination = safe_next(request.GET.get("next"))
    if request.session_token and (profile := _current_profile(request)):
        return render(request, "login_again.html", {"profile": profile, "next": destination})
    notice = request.GET.get("notice", "")
    context = {"form": LoginForm(), "next": destination, "notice": _NOTICES.get(notice, "")}
    return render(request, "login.html", {**context, "signed_out": notice == "signed-out"})


def _sign_in(request: SiteRequest) -> HttpResponse:
    form, destination = LoginForm.read(request.POST), safe_next(request.POST.get("next"))
    answer = _call_or_503(request, "login", as_json(form))
    if answer.status == 200:
        relay_cookies(request, answer)
        return HttpResponseRedirect(destination)
    return _form_again(request, "login.html", answer, {"form": form, "next": destination})


@page("GET", "POST", public=True)
def register(request: SiteRequest) -> HttpResponse:
    if request.method != "POST":
        return render(request, "register.html", {"form": RegisterForm()})
    form = RegisterForm.read(request.POST)
    answer = _call_or_503(request, "register", as_json(form))
    if answer.status == 202:
        relay_cookies(request, answer)
        return render(request, "register_done.html", {"email": form.email}, status=202)
    return _form_again(request, "register.html", answer, {"form": form})


@page("GET", "POST", public=True)
def verify_email(request: SiteRequest) -> HttpResponse:
    """GET shows a form: mail scanners and previews open links too."""
    if request.method == "POST":
        form = VerifyForm.read(request.POST)
        answer = _call_or_503(request, "verify-email", as_json(form))
        if answer.status == 200:
            relay_cookies(request, answer)
            response = render(request, "verify_email_done.html")
        else:
            context = {"token": form.token, "refused": _NOT_THE_REGISTRANT}
            response = _form_again(request, "verify_email.html", answer, context)
    else:
        context = {"token": request.GET.get("token", "")}
        response = render(request, "verify_email.html", context)
    response["Referrer-Policy"] = "no-referrer"  # the address holds a token (ASVS 3.4.5)
    return response


@page("GET")
def account(request: SiteRequest) -> HttpResponse:
    return render(request, "account/account.html", {"profile": _required_profile(request)})


@page("GET", "POST", public=True)
def logout(request: SiteRequest) -> HttpResponse:
    """GET shows a button; only POST signs out."""
    if request.method != "POST":
        return render(request, "logout.html")
    answer = auth_api().call("logout", caller_of(request), body=b"{}", content_type=_JSON)
    if answer.status != 204:
        raise AuthApiUnavailable(f"logout: {answer.status}", retry_after=answer.retry_after)
    relay_cookies(request, answer)
    response = HttpResponseRedirect("/login?notice=signed-out")
    response["Clear-Site-Data"] = CLEAR_SITE_DATA
    return response


def _required_profile(request: SiteRequest) -> Profile:
    """Return who is signed in, by one call. Raises SignInRequired, AuthApiUnavailable."""
    answer = auth_api().call("session", caller_of(request))
    if answer.status == 200:
        relay_cookies(request, answer)
        return Profile.of(answer)
    if answer.status != 401:
        raise AuthApiUnavailable(f"session: {answer.status}", retry_after=answer.retry_after)
    relay_cookies(request, answer)
    raise SignInRequired("session-ended")


def _current_profile(request: SiteRequest) -> Profile | None:
    """Like _required_profile, for pages that do without: looks, and does not count as use."""
    answer = auth_api().call("session-peek", caller_of(request))
    if answer.status not in (200, 401):
        raise AuthApiUnavailable(f"session: {answer.status}", retry_after=answer.retry_after)
    relay_cookies(request, answer)
    return Profile.of(answer) if answer.status == 200 else None


def _call_or_503(request: SiteRequest, route: str, body: bytes) -> Answer:
    """Like the client's call; an outage becomes a 503 answer, so that the form can be kept."""
    try:
        return auth_api().call(route, caller_of(request), body=body, content_type=_JSON)
    except AuthApiUnavailable as error:
        return Answer(503, b"", {"Retry-After": str(error.retry_after)})


def _form_again(
    request: SiteRequest, template: str, answer: Answer, context: dict[str, Any]
) -> HttpResponse:
    """The same page with what was typed (never the password) and what auth_api says about it."""
    status = answer.status if answer.status in (400, 401, 413, 429) else 503
    relay_cookies(request, answer)
    errors = field_errors(answer.document)
    refused = context.pop("refused", _REFUSED)
    context |= {"errors": errors, "message": _message(answer, errors, refused)}
    response = render(request, template, context, status=status)
    if status in (429, 503):
        response["Retry-After"] = str(answer.retry_after)
    return response


def _message(answer: Answer, errors: dict[str, list[str]], refused: str) -> str:
    match answer.status:
        case 401:
            return refused
        case 429:
            return f"Too many attempts. Wait {_in_words(answer.retry_after)}, then try again."
        case 400 if answer.slug == "invalid-token":
            return "This link was used, has expired or is incomplete."
        case 400 | 413:
            return (
                "Some of this needs another look."
                if errors
                else "This could not be read. Try again."
            )
    return "We cannot check that right now. Nothing was changed: try again in a moment."


def _in_words(seconds: int) -> str:
    if seconds < 90:
        return f"{seconds} seconds"
    return f"{-(-seconds // 60)} minutes"

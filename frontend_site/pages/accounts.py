"""Pages for the name, passwords, e-mail addresses, data export and account deletion."""

from typing import Any

from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect

from frontend_site.backend.client import AuthApiUnavailable
from frontend_site.backend.relay import relay_cookies
from frontend_site.options import options
from frontend_site.pages.backend_calls import ask, call_or_503, required_profile
from frontend_site.pages.form_errors import form_again
from frontend_site.pages.holds import profile_and_hold
from frontend_site.pages.rendering import render, signed_out
from frontend_site.pages.times import in_units
from frontend_site.proxy.headers import long_response
from frontend_site.security.endpoints import page
from frontend_site.site_request import SiteRequest

from .forms import as_json, typed

_FILE = 'attachment; filename="my-account.json"'


@page("GET", "POST", public=True)
def forgot_password(request: SiteRequest) -> HttpResponse:
    return _mail_wish(request, "forgot-password", "forgot_password")


@page("GET", "POST", public=True)
def resend_verification(request: SiteRequest) -> HttpResponse:
    return _mail_wish(request, "resend-verification", "resend_verification")


def _mail_wish(request: SiteRequest, route: str, template: str) -> HttpResponse:
    if request.method != "POST":
        return render(request, f"{template}.html")
    form = typed(request.POST, "email")
    answer = call_or_503(request, route, as_json(form))
    if answer.status == 202:
        relay_cookies(request, answer)
        return render(request, f"{template}_done.html", dict(form), status=202)
    return form_again(request, f"{template}.html", answer, dict(form))


@page("GET", public=True)
def find_change_password(request: SiteRequest) -> HttpResponse:
    """Lead password managers to the page (W3C, A Well-Known URL for Changing Passwords)."""
    return HttpResponseRedirect("/account/password", content_type="text/plain")


@page("GET", "POST", session="own-call")
def change_password(request: SiteRequest) -> HttpResponse:
    if request.method != "POST":
        context = {"profile": required_profile(request), "changed": request.GET.get("changed")}
        return render(request, "account/password.html", context)
    answer = ask(
        request, "change-password", typed(request.POST, "current_password", "new_password")
    )
    if answer.status == 200:
        return HttpResponseRedirect("/account/password?changed=1")
    context = {"profile": required_profile(request)}
    return form_again(request, "account/password.html", answer, context)


@page("GET", "POST", session="own-call")
def change_name(request: SiteRequest) -> HttpResponse:
    if request.method != "POST":
        profile = required_profile(request)
        return render(request, "account/name.html", {"name": profile.name})
    form = {"name": request.POST.get("name", "").strip()}
    answer = ask(request, "change-name", form)
    if answer.status == 204:
        return HttpResponseRedirect("/account?done=name")
    return form_again(request, "account/name.html", answer, dict(form))


@page("GET", "POST", session="own-call")
def change_address(request: SiteRequest) -> HttpResponse:
    if request.method != "POST":
        return render(request, "account/email.html", profile_and_hold(request))
    form = typed(request.POST, "email")
    answer = ask(request, "change-address", form)
    context: dict[str, Any] = {"profile": required_profile(request), **form}
    if answer.status == 202:
        return render(request, "account/email_done.html", context, status=202)
    return form_again(request, "account/email.html", answer, context)


@page("GET", "POST", session="own-call")
def export_account(request: SiteRequest) -> HttpResponseBase:
    """GET shows a button: the data wants a recent authentication, which asks by a form."""
    if request.method != "POST":
        context = {**profile_and_hold(request), "delay": in_units(options().deletion_delay)}
        return render(request, "account/data.html", context)
    answer = ask(request, "export-account")
    if answer.status != 200:
        raise AuthApiUnavailable(f"export-account: {answer.status}")
    response = long_response(answer)
    response["Content-Disposition"] = _FILE
    return response


@page("GET", "POST", session="own-call")
def delete_account(request: SiteRequest) -> HttpResponse:
    context: dict[str, Any] = {"delay": in_units(options().deletion_delay)}
    if request.method != "POST":
        context |= profile_and_hold(request)
        return render(request, "account/delete.html", context)
    form = typed(request.POST, "email")
    answer = ask(request, "delete-account", dict(form))
    if answer.status not in (202, 204):
        context["profile"] = required_profile(request)
        return form_again(request, "account/delete.html", answer, context | form)
    return signed_out("deleted" if answer.status == 204 else "deletion")

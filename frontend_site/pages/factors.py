"""The pages on which users set up second factors."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse, HttpResponseRedirect, QueryDict

from frontend_site.backend.answer import as_agreed
from frontend_site.backend.client import Answer, is_handle
from frontend_site.pages.backend_calls import ask
from frontend_site.pages.form_errors import form_again
from frontend_site.pages.holds import hold_of
from frontend_site.pages.profile import factor_due
from frontend_site.pages.rendering import render
from frontend_site.pages.times import ago, moment
from frontend_site.security.endpoints import page
from frontend_site.security.next_url import redirect_target, safe_next
from frontend_site.site_request import SiteRequest

from .app_secrets import shown_secret
from .forms import typed

_PAGE = "/account/factors"
_APP, _CODES = "account/factor_app.html", "account/recovery_codes.html"
_FEW_CODES = 3
_CREATE_CODES = " Create recovery codes now, in case you lose your device."
_NOTICES = {
    "added": "The authenticator app has been added.",
    "enrolled": "You are signed in, and the authenticator app has been added.",
    "removed": "The authenticator app has been removed.",
    "renamed": "The name has been changed.",
    "too-many": "You have reached the maximum number of authenticator apps. Remove one first.",
    "codes": "Your new recovery codes are active. Earlier codes no longer work.",
}


@dataclass(frozen=True)
class ListedApp:
    """One authenticator app as its owner may see it."""

    id: str
    name: str
    added: datetime
    used: datetime | None

    @property
    def added_ago(self) -> str:
        return ago(self.added)

    @property
    def used_ago(self) -> str:
        return ago(self.used) if self.used else "never"

    @classmethod
    def of(cls, item: dict[str, Any]) -> "ListedApp":
        used = item["last_used_at"]
        return cls(
            id=str(item["id"]),
            name=str(item["name"]),
            added=moment(item["added_at"]),
            used=moment(used) if used else None,
        )


@page("GET", "POST", session="own-call")
def factors(request: SiteRequest) -> HttpResponse:
    """GET lists; POST removes the app whose id comes as `remove`, or renames `rename` to `name`.

    `next` is where the user wanted to go when a second factor was demanded. Every form here carries it.
    """
    if request.method == "POST":
        return _change(request)
    answer = ask(request, "factors")
    done, wanted = request.GET.get("done", ""), _wanted(request.GET)
    context = {**_listed(answer), "notice": _NOTICES.get(done, ""), "next": wanted}
    if done in ("added", "enrolled") and not context["codes_left"]:
        context["notice"] += _CREATE_CODES
    if wanted and context["apps"]:
        context["continue_to"] = redirect_target(wanted)
    return render(request, "account/factors.html", context)


def _wanted(data: QueryDict) -> str:
    """Return the `next` of a form or link, "" if it has none."""
    wanted = data.get("next")
    return safe_next(wanted) if wanted else ""


def _page_after(done: str, data: QueryDict) -> HttpResponse:
    """Redirect to the list, which says what was `done` and leads on to the `next` of `data`."""
    query = {"done": done, "next": _wanted(data)}
    said = urlencode({name: value for name, value in query.items() if value}, safe="/")
    return HttpResponseRedirect(f"{_PAGE}?{said}" if said else _PAGE)


def _change(request: SiteRequest) -> HttpResponse:
    removed, renamed = request.POST.get("remove", ""), request.POST.get("rename", "")
    if is_handle(removed) and ask(request, "remove-factor", handle=removed).status == 204:
        return _page_after("removed", request.POST)
    if is_handle(renamed):
        form = typed(request.POST, "name")
        answer = ask(request, "rename-factor", dict(form), handle=renamed)
        if answer.status == 204:
            return _page_after("renamed", request.POST)
        if answer.status in (400, 429):
            return _listed_again(request, answer, {"renamed": renamed, **form})
    listed = _listed(ask(request, "factors"))
    return render(request, "account/factors.html", {**listed, "next": _wanted(request.POST)})


def _listed_again(
    request: SiteRequest, answer: Answer, typed_in: dict[str, str] | None = None
) -> HttpResponse:
    """Return the page with the reason why `answer` refused what one of its forms sent, and what was typed."""
    listed = _listed(ask(request, "factors"))
    context = {**listed, "next": _wanted(request.POST), **(typed_in or {})}
    return form_again(request, "account/factors.html", answer, context)


def _listed(answer: Answer) -> dict[str, Any]:
    with as_agreed("a list of factors"):
        left = int(answer.document["recovery_codes_left"])
        apps = [ListedApp.of(item) for item in answer.document["items"]]
        due = factor_due(answer.document["user"])
    return {
        "apps": apps,
        "codes_left": left,
        "few": left <= _FEW_CODES,
        "due": due,
        **hold_of(answer),
    }


@page("POST", session="own-call")
def add_app(request: SiteRequest) -> HttpResponse:
    """Show the secret of a new app; with a `code` of it, add it.

    The secret is shown once by auth_api, so the form carries it until a code is right.
    """
    if "code" not in request.POST:
        answer = ask(request, "begin-totp", {})
        if answer.status == 429:
            return _listed_again(request, answer)
        if answer.status != 200:
            return _page_after("too-many", request.POST)
        context = {**shown_secret(answer.document), "next": _wanted(request.POST)}
        return render(request, _APP, context)
    form = typed(request.POST, "code", "name")
    answer = ask(request, "confirm-totp", dict(form))
    if answer.status == 200:
        return _page_after("added", request.POST)
    if answer.status == 404:  # it was begun too long ago, or elsewhere again
        return _page_after("", request.POST)
    context = shown_secret(typed(request.POST, "secret", "uri"))
    context |= {"name": form["name"], "next": _wanted(request.POST)}
    refused = "Incorrect code. Check that your device's clock is correct, then enter a new code."
    return form_again(request, _APP, answer, {**context, "refused": refused})


@page("POST", session="own-call")
def recovery_codes(request: SiteRequest) -> HttpResponse:
    """Show new codes; with one of them typed as `code`, put them in force."""
    if "code" not in request.POST:
        answer = ask(request, "make-recovery-codes", {})
        if answer.status == 429:
            return _listed_again(request, answer)
        if answer.status != 200:
            return _page_after("", request.POST)
        codes = [str(code) for code in answer.document.get("codes", ())]
        return render(request, _CODES, {"codes": codes, "next": _wanted(request.POST)})
    answer = ask(request, "confirm-recovery-codes", typed(request.POST, "code"))
    if answer.status == 204:
        return _page_after("codes", request.POST)
    context = {"codes": _shown_codes(request), "next": _wanted(request.POST)}
    context["refused"] = "That is not one of these codes."
    return form_again(request, _CODES, answer, context)


@page("POST", session="use")
def recovery_codes_file(request: SiteRequest) -> HttpResponse:
    """Return the codes of the page as a file; they are not asked for again, nor kept."""
    text = "\r\n".join(_shown_codes(request)) + "\r\n"
    response = HttpResponse(text.encode(), content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="recovery-codes.txt"'
    return response


def _shown_codes(request: SiteRequest) -> list[str]:
    return [code[:29] for code in request.POST.get("codes", "").split()[:10]]

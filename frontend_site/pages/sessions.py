"""The page that lists and ends the user's sessions."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import Http404, HttpResponse, HttpResponseRedirect

from frontend_site.backend.answer import as_agreed
from frontend_site.backend.assurance import Assurance
from frontend_site.backend.client import Answer, is_handle
from frontend_site.pages.backend_calls import ask
from frontend_site.pages.rendering import render, signed_out
from frontend_site.pages.times import ago, moment
from frontend_site.security.endpoints import page
from frontend_site.settings.levels import AAL2
from frontend_site.site_request import SiteRequest

OTHERS = "others"
_PAGE = "/account/sessions"
_NOTICES = {"one": "That session has ended.", "others": "All your other sessions have ended."}


@dataclass(frozen=True)
class ListedSession:
    """One session as its user may see it."""

    handle: str
    current: bool
    device: str
    address: str
    started: datetime
    last_seen: datetime
    remember: bool
    two_step: bool  # a second factor was shown, and still counts

    @property
    def started_ago(self) -> str:
        return ago(self.started)

    @property
    def last_seen_ago(self) -> str:
        return ago(self.last_seen)

    @classmethod
    def of(cls, item: dict[str, Any]) -> "ListedSession":
        return cls(
            handle=str(item["handle"]),
            current=bool(item["current"]),
            device=str(item["user_agent"]),
            address=str(item["ip"]),
            started=moment(item["created_at"]),
            last_seen=moment(item["last_seen_at"]),
            remember=bool(item["remember"]),
            two_step=Assurance.of(item).acr == AAL2,
        )


@page("GET", "POST", session="own-call")
def sessions(request: SiteRequest) -> HttpResponse:
    """GET lists; POST ends the session whose handle comes as `end`, or all `others`."""
    if request.method == "POST":
        return _end(request, request.POST.get("end", ""))
    notice = _NOTICES.get(request.GET.get("ended", ""), "")
    context = {"sessions": _listed(ask(request, "sessions")), "notice": notice, "others": OTHERS}
    return render(request, "account/sessions.html", context)


def _end(request: SiteRequest, which: str) -> HttpResponse:
    if which == OTHERS:
        ask(request, "revoke-others", {})
        return HttpResponseRedirect(f"{_PAGE}?ended=others")
    # The same answer for another user's handle, an ended one and no handle at all.
    if not is_handle(which) or ask(request, "end-session", handle=which).status != 204:
        raise Http404
    if request.session_token is None:  # it was this browser's own
        return signed_out("signed-out")
    return HttpResponseRedirect(f"{_PAGE}?ended=one")


def _listed(answer: Answer) -> list[ListedSession]:
    with as_agreed("a list of sessions"):
        return [ListedSession.of(item) for item in answer.document["items"]]

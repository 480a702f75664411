"""Your security log: what happened to this account."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpResponse

from frontend_site.backend.client import Answer, AuthApiUnavailable
from frontend_site.pages.backend_calls import ask
from frontend_site.pages.rendering import render
from frontend_site.pages.times import ago, moment
from frontend_site.security.endpoints import page
from frontend_site.site_request import SiteRequest

# Words for each kind, and whether it is one to look at.
_WORDS: dict[str, tuple[str, bool]] = {
    "session.started": ("Signed in", False),
    "login.failed": ("A sign-in failed", True),
    "login.throttled": ("Sign-ins were held up after too many tries", True),
    "verification.failed": ("Your address was not confirmed: wrong password", True),
    "session.ended": ("Signed out, or a session ended", False),
    "session.others_ended": ("All other sessions ended", False),
    "session.all_ended": ("All sessions ended", False),
    "session.disowned": ("You told us that a sign-in was not yours", True),
    "session.reauthenticated": ("Password given again", False),
    "password.changed": ("Password changed", True),
    "password.reset": ("The new password was set by a mailed link", True),
    "password.reset_asked": ("A link to set a new password was asked for", True),
    "address.change_asked": ("Another e-mail address was asked for", True),
    "address.changed": ("E-mail address changed", True),
    "address.restored": ("The former e-mail address was restored by a mailed link", True),
    "account.verified": ("E-mail address confirmed", False),
    "name.changed": ("Name changed", False),
    "account.activated": ("Account switched on", True),
    "account.deactivated": ("Account switched off", True),
    "account.rights_changed": ("Rights changed", True),
    "account.exported": ("Your data was downloaded", False),
}
_BY = {"staff": "by our staff", "system": "by our operators"}


@dataclass(frozen=True)
class LoggedEvent:
    """One event as its user may see it."""

    words: str
    notable: bool
    at: datetime
    first_at: datetime
    count: int
    by: str  # in words; "" for whoever was signed in, or tried to be
    address: str
    device: str
    new_device: bool

    @property
    def at_ago(self) -> str:
        return ago(self.at)

    @classmethod
    def of(cls, item: dict[str, Any]) -> "LoggedEvent":
        kind = str(item["event"])
        words, notable = _WORDS.get(kind, (kind, False))
        return cls(
            words=words,
            notable=notable,
            at=moment(item["at"]),
            first_at=moment(item["first_at"]),
            count=int(item["count"]),
            by=_BY.get(str(item["by"]), ""),
            address=str(item["ip"]),
            device=str(item["user_agent"]),
            new_device=str(item["reason"]).endswith("new device"),
        )


@page("GET", session="own-call")
def security_log(request: SiteRequest) -> HttpResponse:
    events = _listed(ask(request, "security-events"))
    return render(request, "account/security.html", {"events": events})


def _listed(answer: Answer) -> list[LoggedEvent]:
    try:
        return [LoggedEvent.of(item) for item in answer.document["items"]]
    except (KeyError, TypeError, ValueError) as error:
        raise AuthApiUnavailable("a security log without its fields") from error

"""The page that shows the security log of the account."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpResponse

from frontend_site.backend.answer import as_agreed
from frontend_site.backend.client import Answer
from frontend_site.pages.backend_calls import ask
from frontend_site.pages.rendering import render
from frontend_site.pages.times import ago, moment
from frontend_site.security.endpoints import page
from frontend_site.site_request import SiteRequest

# Words for each kind, and whether it is one to look at.
_WORDS: dict[str, tuple[str, bool]] = {
    "session.started": ("Signed in", False),
    "login.failed": ("Failed sign-in", True),
    "login.throttled": ("Sign-ins were delayed after too many attempts", True),
    "verification.failed": ("Address not confirmed: incorrect password", True),
    "login.code_asked": ("Password accepted, code requested", False),
    "login.enrolment_asked": ("Password accepted, authenticator app requested", False),
    "login.code_refused": ("Wrong code after the correct password", True),
    "login.code_throttled": ("Code entry delayed after too many attempts", True),
    "session.ended": ("Signed out, or a session ended", False),
    "session.others_ended": ("All other sessions ended", False),
    "session.all_ended": ("All sessions ended", False),
    "session.disowned": ("You reported a sign-in that was not you", True),
    "session.reauthenticated": ("Password confirmed", False),
    "password.changed": ("Password changed", True),
    "password.reset": ("Password reset with an e-mailed link", True),
    "password.reset_asked": ("Password reset requested", True),
    "password.reset_sent": ("You were sent a link to set a password", True),
    "address.change_asked": ("E-mail address change requested", True),
    "address.changed": ("E-mail address changed", True),
    "address.restored": ("Previous e-mail address restored with an e-mailed link", True),
    "account.verified": ("E-mail address confirmed", False),
    "account.confirmation_sent": ("You were sent a link to confirm your e-mail address", False),
    "name.changed": ("Name changed", False),
    "account.created": ("Account created", False),
    "account.activated": ("Account activated", True),
    "account.deactivated": ("Account deactivated", True),
    "account.rights_changed": ("Permissions changed", True),
    "account.unlocked": ("Sign-in delays lifted", False),
    "factor.added": ("Authenticator app added", True),
    "factor.renamed": ("Authenticator app renamed", False),
    "factor.removed": ("Authenticator app removed", True),
    "factor.restored": ("Authenticator app restored", True),
    "factor.enrolment_required": ("Second factor reset: a new one is required", True),
    "factor.recovery_codes_made": ("New recovery codes created", True),
    "factor.recovery_code_used": ("Recovery code used", True),
    "account.exported": ("Your data was downloaded", False),
    "account.deletion_asked": ("Account deletion requested", True),
    "account.kept": ("Account deletion cancelled", True),
    "invitation.sent": ("You sent an invitation", True),
    "invitation.revoked": ("You revoked an invitation", True),
    "invitation.accepted": ("Account created from an invitation", False),
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
            # The reason of somebody else's act is free text.
            new_device=str(item["by"]) not in _BY and str(item["reason"]).endswith("new device"),
        )


@page("GET", session="own-call")
def activity(request: SiteRequest) -> HttpResponse:
    events = _listed(ask(request, "security-events"))
    return render(request, "account/activity.html", {"events": events})


def _listed(answer: Answer) -> list[LoggedEvent]:
    with as_agreed("a security log"):
        return [LoggedEvent.of(item) for item in answer.document["items"]]

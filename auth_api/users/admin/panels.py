"""What the page of a user shows above the form: sessions, events, mails, factors, and the actions."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.contrib.admin import ModelAdmin
from django.db.models import QuerySet
from django.http import HttpRequest

from auth_api.mail.models import OutboxMail
from auth_api.security_log.events import all_events
from auth_api.security_log.kinds import label_of
from auth_api.security_log.models import SecurityEvent
from auth_api.sessions.exceptions import SessionStoreUnavailable
from auth_api.sessions.services import sessions_of
from auth_api.sessions.summaries import SessionSummary
from auth_api.users.factors.devices import devices_in_use
from auth_api.users.factors.recovery_sets import recovery_codes_left
from auth_api.users.models import User

from .actions import ACTIONS, StaffAction
from .rights import actor, changeable
from .support import Support, shown_time, support_for

_EVENTS = 20


@dataclass(frozen=True)
class ShownSession:
    """One live session as staff see it."""

    handle: str
    device: str
    address: str
    last_used: str
    since: str
    methods: str

    @classmethod
    def of(cls, session: SessionSummary) -> "ShownSession":
        """Describe a session."""
        return cls(
            session.handle, session.user_agent, session.ip, _time(session.last_seen_at),
            _time(session.created_at), " + ".join(session.methods),
        )  # fmt: skip


@dataclass(frozen=True)
class Panels:
    """The values of the template. What is None is not shown: no permission, or Redis does not answer."""

    support: Support
    may_act: bool
    actions: list[StaffAction]
    sessions: list[ShownSession] | None
    events: list[dict[str, Any]] | None
    mails: QuerySet[OutboxMail] | None
    factors: list[str]
    recovery_codes: int


def panels_of(model_admin: "ModelAdmin[User]", request: HttpRequest, user: User) -> Panels:
    """Read what to show about `user` to the member of staff who asks: always seven queries."""
    may_act = changeable(request, User.objects.filter(pk=user.pk)).exists()
    offered = model_admin.get_actions(request) if may_act else {}
    return Panels(
        support=support_for([user])[user.pk],
        may_act=may_act and model_admin.has_change_permission(request, user),
        actions=[each for each in ACTIONS if each.name in offered and each.fits(user)],
        sessions=_sessions(user),
        events=_events(user) if _may_view(request, SecurityEvent) else None,
        mails=_mails(user) if _may_view(request, OutboxMail) else None,
        factors=[device.name for device in devices_in_use(user.pk)],
        recovery_codes=recovery_codes_left(user.pk),
    )


def _sessions(user: User) -> list[ShownSession] | None:
    try:
        return [ShownSession.of(session) for session in sessions_of(user)]
    except SessionStoreUnavailable:
        return None


def _events(user: User) -> list[dict[str, Any]]:
    return [
        {"label": label_of(event.kind), "time": shown_time(event.at), "event": event}
        for event in all_events(user.pk).select_related("actor")[:_EVENTS]
    ]


def _mails(user: User) -> QuerySet[OutboxMail]:
    """Return what waits to be sent to the user, without texts and links."""
    columns = ("template", "request", "created_at", "due_at", "tries", "last_error")
    return OutboxMail.objects.filter(to__iexact=user.email).only(*columns)[:_EVENTS]


def _may_view(request: HttpRequest, model: Any) -> bool:
    name = f"{model._meta.app_label}.view_{model._meta.model_name}"
    return actor(request).has_perm(name)


def _time(seconds: int) -> str:
    return shown_time(datetime.fromtimestamp(seconds, UTC))

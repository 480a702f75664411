"""Runs an action of staff: asks for the reason, then goes on batch by batch, one request each.

A request does a bounded number of accounts, in the order of their ids. The page then says how many are
left and posts itself again (continue.js, or a button without script). Nothing is kept on the server: the
page has the selection as the list had it, and the last id.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import InterfaceError, OperationalError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone

from auth_api.security_log.origin import because
from auth_api.sessions.exceptions import ReauthenticationRequired, SessionStoreUnavailable
from auth_api.sessions.services import require_recent_authentication
from auth_api.users.models import User

from .actions import StaffAction
from .rights import changeable

REASON_LENGTH = 120
REASON_HELP = "Stored in the security log of the account, where its owner can read it."
FROM_PAGE = "from_page"  # a field that says that the user's page asked, and not the list
_NAMED = 10  # addresses on the page that asks
_CARRIED = ("action", "select_across", FROM_PAGE)


class RunForm(forms.Form):
    """The reason, and how far the run has come."""

    reason = forms.CharField(max_length=REASON_LENGTH, help_text=REASON_HELP)
    until = forms.DateTimeField(widget=forms.HiddenInput)
    total = forms.IntegerField(widget=forms.HiddenInput)
    done = forms.IntegerField(widget=forms.HiddenInput)
    after = forms.UUIDField(widget=forms.HiddenInput, required=False)
    results = forms.JSONField(widget=forms.HiddenInput, required=False)

    def clean_results(self) -> Counter[str]:
        """Return what the earlier batches did."""
        try:
            return Counter(
                {
                    str(words): int(n)
                    for words, n in dict(self.cleaned_data["results"] or {}).items()
                }
            )
        except (TypeError, ValueError):
            raise forms.ValidationError("Start again from the list.") from None


@dataclass(frozen=True)
class Run:
    """How far a run has come. Accounts that were made after `until` were not counted when it was confirmed."""

    until: datetime
    total: int
    done: int = 0
    after: UUID | None = None
    results: Counter[str] = field(default_factory=Counter)

    @property
    def left(self) -> int:
        """Return how many accounts are left, at least one: an ended run shows no page."""
        return max(1, self.total - self.done)

    def values(self, reason: str) -> dict[str, Any]:
        """Return the values of a RunForm."""
        return {**vars(self), "until": self.until.isoformat(), "reason": reason}


def run(
    action: StaffAction, request: HttpRequest, chosen: QuerySet[User], *, back: str
) -> HttpResponse:
    """Answer a request to perform `action` on the `chosen` accounts; lead to `back` in the end."""
    if action.asks_again and (refusal := _too_long_ago(request)):
        messages.error(request, refusal)
        return HttpResponseRedirect(back)
    users = changeable(request, chosen)
    if "reason" not in request.POST:
        return _ask(action, request, users, chosen, back)
    form = RunForm(request.POST)
    if not form.is_valid():
        return _page(action, request, form, back)
    values = form.cleaned_data
    reason = values.pop("reason")
    before = Run(**values)
    try:
        after = _next_batch(action, users, before, reason)
    except (SessionStoreUnavailable, OperationalError, InterfaceError) as error:
        return _page(
            action, request, _form(before, reason), back, run=before, failure=_words(error)
        )
    if after.after is not None:
        return _page(action, request, _form(after, reason), back, run=after)
    messages.success(request, f"{action.label}: {summary_of(after)}")
    return HttpResponseRedirect(back)


def summary_of(run: Run) -> str:
    """Return what a run has done, in words."""
    accounts = f"{run.done:,} account{'' if run.done == 1 else 's'}."
    details = (f"{number:,} {words.rstrip('.')}." for words, number in run.results.items())
    return " ".join([accounts, *details])


def _too_long_ago(request: HttpRequest) -> str:
    """Return why the request may not go on; "" if its user authenticated recently."""
    try:
        require_recent_authentication(request)
    except ReauthenticationRequired:
        return "Nothing was changed: you signed in too long ago for this. Sign out, sign in again, then repeat it."
    except SessionStoreUnavailable as error:
        return f"Nothing was changed. {_words(error)} Try again soon."
    return ""


def _next_batch(action: StaffAction, users: QuerySet[User], run: Run, reason: str) -> Run:
    """Perform the action on the next batch. The run that comes back has no `after` when nothing is left."""
    ordered = users.filter(date_joined__lte=run.until).order_by("pk")
    waiting = ordered.filter(pk__gt=run.after) if run.after else ordered
    pks = list(waiting.values_list("pk", flat=True)[: action.batch + 1])
    batch = list(User.objects.filter(pk__in=pks[: action.batch]).order_by("pk"))
    with because(reason):
        results = action.perform(batch) if batch else Counter[str]()
    after = pks[action.batch - 1] if len(pks) > action.batch else None
    return Run(run.until, run.total, run.done + len(batch), after, run.results + results)


def _ask(
    action: StaffAction, request: HttpRequest, users: QuerySet[User], chosen: QuerySet[User], back: str,
) -> HttpResponse:  # fmt: skip
    total, selected = users.count(), chosen.count()
    if not total:
        text = "Nothing was changed: your own account, and accounts of staff unless you are a superuser, are left out."
        messages.error(request, text)
        return HttpResponseRedirect(back)
    named = list(users.order_by("pk").values_list("email", flat=True)[:_NAMED])
    form = RunForm(initial=Run(timezone.now(), total).values(""))
    return _page(
        action, request, form, back, total=total, named=named, more=total - len(named),
        left_out=selected - total,
    )  # fmt: skip


def _form(run: Run, reason: str) -> RunForm:
    form = RunForm(initial=run.values(reason))
    form.fields["reason"].widget = forms.HiddenInput()
    return form


def _page(
    action: StaffAction, request: HttpRequest, form: RunForm, back: str, **shown: Any
) -> HttpResponse:
    context = {
        **admin.site.each_context(request), "title": action.label, "opts": User._meta, "action": action,
        "form": form, "carried": [*_carried(request)], "back": back, **shown,
    }  # fmt: skip
    return TemplateResponse(request, "admin/users/user/run.html", context)


def _carried(request: HttpRequest) -> Iterable[tuple[str, str]]:
    """Yield the fields by which Django's list finds the selection again: ids only of what was ticked."""
    yield from ((name, request.POST[name]) for name in _CARRIED if name in request.POST)
    across = request.POST.get("select_across") == "1"
    ticked = request.POST.getlist(ACTION_CHECKBOX_NAME)
    yield from ((ACTION_CHECKBOX_NAME, pk) for pk in (ticked[:1] if across else ticked))


def _words(error: Exception) -> str:
    if isinstance(error, SessionStoreUnavailable):
        return "Redis does not answer."
    return "The database does not answer."

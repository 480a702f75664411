"""Acts: what a session did to its account, kept for as long as its sign-in can be disowned.

Whoever takes an account over changes what would throw them out again. So each act is stored with the
id of the sign-in that did it, and with what was there before (account_recovery.py takes it back).
"""

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone

from auth_api.knobs import knobs

from .addresses import MAX_LENGTH, AddressField, AsciiLower, address_key


class Act(models.Model):
    """One act on one account. What `old_...` holds depends on the kind."""

    class Kind(models.TextChoices):
        ADDRESS = "address"
        NAME = "name"
        PASSWORD = "password"  # noqa: S105 - a name
        # By a mailed link: the mailbox at `mailed_to` was used to take the account back.
        RESET = "reset"
        DISOWNED = "disowned"
        RESTORED = "restored"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="acts"
    )
    kind = models.CharField(max_length=10, choices=Kind.choices)
    at = models.DateTimeField(default=timezone.now)
    sign_in = models.CharField(max_length=16, blank=True)  # its id (sessions/records.py)
    old_address = AddressField(max_length=MAX_LENGTH, blank=True)
    new_address = AddressField(max_length=MAX_LENGTH, blank=True)
    old_name = models.CharField(max_length=150, blank=True)
    mailed_to = AddressField(max_length=MAX_LENGTH, blank=True)
    event = models.BigIntegerField(
        null=True
    )  # id in the security log, which orders acts and sign-ins
    undone = models.BooleanField(default=False)

    class Meta:
        ordering = ("pk",)
        indexes = (
            models.Index(fields=("user", "at"), name="acts_of_user"),
            models.Index(AsciiLower("old_address"), "at", name="acts_by_old_address"),
        )

    def __str__(self) -> str:
        return f"{self.kind} at {self.at:%Y-%m-%d %H:%M}"

    @property
    def ends_at(self) -> Any:
        """Until when it can be taken back, and an address that was left stays reserved."""
        return self.at + _kept_for()


def record_act(user: Any, kind: Act.Kind, **values: Any) -> Act:
    """Store an act, in the transaction that does it; forget the account's expired ones."""
    prune_acts(user.acts.all())
    act: Act = user.acts.create(kind=kind, **values)
    return act


def reservation_of(email: str, *, besides: Any = None) -> Act | None:
    """Return the act by which an account left `email` a short time ago; None when it is free.

    `besides`: an account that may have it all the same, since it is the one that left it.
    """
    left = Act.objects.filter(
        kind=Act.Kind.ADDRESS, old_address=email, undone=False, at__gt=timezone.now() - _kept_for()
    )
    left = left.exclude(user__email=email)  # it went back by itself
    if besides is not None:
        left = left.exclude(user=besides)
    return left.order_by("-at").first()


def require_unreserved(email: str, *, besides: Any = None) -> None:
    """Raise ValidationError when another account left `email` a short time ago."""
    if (act := reservation_of(email, besides=besides)) is not None:
        until = f"{act.ends_at:%d %B %Y, %H:%M UTC}"
        message = f"Another account used this address. It is reserved until {until}."
        raise ValidationError(message, code="reserved")


def live_acts(user: Any) -> list[Act]:
    """Return what can still be taken back, oldest first."""
    return list(user.acts.filter(undone=False, at__gt=timezone.now() - _kept_for()))


def mark_undone(acts: Collection[Act]) -> None:
    Act.objects.filter(pk__in=[act.pk for act in acts]).update(undone=True)


def settle_addresses(user: Any, email: str, *, by_staff: bool) -> None:
    """The account is at `email` now: end what could still be taken back of the way there.

    Going back to an address that was left settles everything since; staff, or a command, settle all of
    it. Else a link at an address in between would take the account away from its owner.
    """
    changes = [act for act in live_acts(user) if act.kind == Act.Kind.ADDRESS]
    if not by_staff:
        key = address_key(email)
        left = (n for n, act in enumerate(changes) if address_key(act.old_address) == key)
        changes = changes[next(left, len(changes)) :]
    mark_undone(changes)


def is_dealt_with(user: Any, *, email: str, event: int) -> bool:
    """Whether the mailbox at `email` was used to take the account back since `event`.

    What was mailed elsewhere does not count: whoever took the account over may have changed the
    address, and then the mails are theirs.
    """
    kinds = (Act.Kind.RESET, Act.Kind.DISOWNED, Act.Kind.RESTORED)
    return bool(user.acts.filter(kind__in=kinds, mailed_to=email, event__gt=event).exists())


def was_taken_back(user: Any, email: str) -> bool:
    """Whether `email` was this account's by an act that was taken back since."""
    changes = user.acts.filter(kind=Act.Kind.ADDRESS, new_address=email, undone=True)
    return address_key(email) != address_key(user.email) and changes.exists()


def prune_acts(acts: models.QuerySet[Act] | None = None) -> int:
    """Delete what can no longer be taken back, and what no living link asks after; return how many."""
    found = Act.objects.all() if acts is None else acts
    deleted, _ = found.filter(at__lt=timezone.now() - 2 * _kept_for()).delete()
    return deleted


def _kept_for() -> timedelta:
    return timedelta(seconds=knobs().disown_lifetime)

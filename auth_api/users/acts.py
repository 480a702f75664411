"""Acts: changes that a session made to its account, kept twice as long as its sign-in can be disowned.

An intruder changes whatever would lock them out again. So each act is stored with the id of the
sign-in that made it and with the previous value, so that flows/recovery.py can undo it.
"""

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone

from auth_api.options import options
from auth_api.times import in_words

from .addresses import MAX_LENGTH, AddressField, AsciiLower, address_key


class Act(models.Model):
    """One change of one account. Which `old_...` field is set depends on the kind."""

    class Kind(models.TextChoices):
        """What was done."""

        ADDRESS = "address"
        NAME = "name"
        PASSWORD = "password"  # noqa: S105 - a name
        # Made with a mailed link: the mailbox at `mailed_to` was used to recover the account.
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
    # Of a mailed link's act: its id in the security log, which orders acts and sign-ins.
    event = models.BigIntegerField(null=True)
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
        """Until when the act can be undone, and the former address stays reserved."""
        return self.at + _kept_for()


def record_act(user: Any, kind: Act.Kind, **values: Any) -> Act:
    """Store an act in the transaction of the change; delete the account's expired ones."""
    prune_acts(user.acts.all())
    act: Act = user.acts.create(kind=kind, **values)
    return act


def reservation_of(email: str, *, except_for: Any = None) -> Act | None:
    """Return the recent act that replaced `email` as an account's address; None if it is not reserved.

    `except_for`: the account for which `email` is not reserved, because it is its own former address.
    """
    left = Act.objects.filter(
        kind=Act.Kind.ADDRESS, old_address=email, undone=False, at__gt=timezone.now() - _kept_for()
    )
    left = left.exclude(user__email=email)  # the account has it again
    if except_for is not None:
        left = left.exclude(user=except_for)
    return left.order_by("-at").first()


def require_unreserved(email: str, *, except_for: Any = None) -> None:
    """Raise ValidationError if `email` was another account's address until recently."""
    if (act := reservation_of(email, except_for=except_for)) is not None:
        until = in_words(act.ends_at)
        message = (
            f"This address is reserved until {until}, because another account used it recently."
        )
        raise ValidationError(message, code="reserved")


def live_acts(user: Any) -> list[Act]:
    """Return the acts that can still be undone, oldest first."""
    return list(user.acts.filter(undone=False, at__gt=timezone.now() - _kept_for()))


def mark_undone(acts: Collection[Act]) -> None:
    """Store that these acts are undone, or can no longer be."""
    Act.objects.filter(pk__in=[act.pk for act in acts]).update(undone=True)


def finalize_address_changes(user: Any, email: str, *, by_staff: bool) -> None:
    """Make earlier changes of address final, now that the account has the address `email`.

    If the owner returned to a former address, every change since then is final; if staff or a command
    set the address, every change is. Otherwise a link sent to an address in between could take the
    account away from its owner.
    """
    changes = [act for act in live_acts(user) if act.kind == Act.Kind.ADDRESS]
    if not by_staff:
        key = address_key(email)
        left = (n for n, act in enumerate(changes) if address_key(act.old_address) == key)
        changes = changes[next(left, len(changes)) :]
    mark_undone(changes)


def is_dealt_with(user: Any, *, email: str, event: int) -> bool:
    """Whether a link mailed to `email` was used to recover the account since `event`.

    Links mailed elsewhere do not count: an intruder may have changed the address and receive them.
    """
    kinds = (Act.Kind.RESET, Act.Kind.DISOWNED, Act.Kind.RESTORED)
    return bool(user.acts.filter(kind__in=kinds, mailed_to=email, event__gt=event).exists())


def was_taken_back(user: Any, email: str) -> bool:
    """Whether the account had `email` only through a change that was undone since."""
    changes = user.acts.filter(kind=Act.Kind.ADDRESS, new_address=email, undone=True)
    return address_key(email) != address_key(user.email) and changes.exists()


def prune_acts(acts: models.QuerySet[Act] | None = None) -> int:
    """Delete acts that can no longer be undone and that no valid link needs; return how many."""
    deleted, _ = old_acts(acts).delete()
    return deleted


def old_acts(acts: models.QuerySet[Act] | None = None) -> models.QuerySet[Act]:
    """Return those of `acts` (default: all) that `prune_acts` deletes."""
    found = Act.objects.all() if acts is None else acts
    return found.filter(at__lt=timezone.now() - 2 * _kept_for())


def _kept_for() -> timedelta:
    return timedelta(seconds=options().disown_lifetime)

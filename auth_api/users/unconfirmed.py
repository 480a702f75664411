"""Finds, deletes and re-mails accounts whose address was never confirmed."""

from collections.abc import Sequence
from datetime import timedelta

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from auth_api.security_log.kinds import Kind
from auth_api.security_log.recording import record_for_each
from auth_api.sessions.snapshots import BATCH

from .emails import send_verifications
from .models import User
from .registration_rules import may_register


def unconfirmed_accounts(keep: timedelta) -> QuerySet[User]:
    """Return the registrations (`User.is_registration`) that are older than `keep`."""
    return User.objects.filter(
        is_active=True,
        email_verified=False,
        is_staff=False,
        is_superuser=False,
        date_joined__lt=timezone.now() - keep,
    ).exclude(password__startswith=UNUSABLE_PASSWORD_PREFIX)


def prune_unconfirmed(keep: timedelta) -> int:
    """Delete them, in batches; return how many. Raises SessionStoreUnavailable."""
    pruned = 0
    while pks := list(unconfirmed_accounts(keep).values_list("pk", flat=True)[:BATCH]):
        # Asked again with the rows locked: one that was confirmed meanwhile stays.
        pruned += unconfirmed_accounts(keep).filter(pk__in=pks).delete()[1].get("users.User", 0)
    return pruned


def why_no_confirmation(user: User) -> str:
    """Return why the link that confirms the address cannot be mailed; "" if it can."""
    if user.email_verified:
        return f"{user.email} is confirmed already."
    if not user.is_registration:
        return f"{user.email} did not register, or is not active. Send a link to set a password instead."
    if not may_register(user.email):
        return f"The settings do not allow {user.email} to register, so a link would not work."
    return ""


@transaction.atomic
def resend_confirmations(users: Sequence[User]) -> None:
    """Mail the links again; first ask `why_no_confirmation` about each of `users`."""
    send_verifications(users, timezone.now())
    record_for_each(Kind.CONFIRMATION_SENT, [user.pk for user in users])

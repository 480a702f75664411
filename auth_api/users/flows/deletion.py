"""Deletes accounts as their owners ask: after a time in which the owner can keep the account, or at once.

While it waits, the account has no sessions and its address stays taken. `User.deletion_at` is the only
state; every change of it happens under the lock of the row, so that either keeping or erasing wins.
"""

from datetime import datetime, timedelta
from typing import Any

import structlog
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from auth_api.api_request import ApiRequest
from auth_api.errors import DeletionPending, InvalidRequest
from auth_api.mail.models import OutboxMail
from auth_api.options import options
from auth_api.security_log.kinds import Kind
from auth_api.security_log.recording import record_change, record_event
from auth_api.sessions.snapshots import BATCH
from auth_api.times import in_utc
from auth_api.users import emails
from auth_api.users.acts import Act, live_acts
from auth_api.users.addresses import address_key, canonical_address
from auth_api.users.factors.demands import locked_owner
from auth_api.users.invitations import Invitation
from auth_api.users.models import User
from auth_api.users.tokens import keep_token, read_keep_token

_log = structlog.get_logger("auth_api.users")


def request_deletion(*, request: ApiRequest, email: str) -> datetime | None:
    """End the sessions of a user and return when the account is deleted; None: it was deleted at once.

    `email` is the account's address as its owner typed it. Raises InvalidRequest if it is another address,
    SessionStoreUnavailable, and what `locked_owner` raises (a deletion, too, ends the sessions): then nothing is done.
    """
    with transaction.atomic():
        user = locked_owner(request)
        if _key(email) != address_key(user.email):
            raise InvalidRequest({"email": ["Enter the e-mail address of your account."]})
        if not options().deletion_delay:
            _erase(user)
            return None
        deletion_at = timezone.now() + timedelta(seconds=options().deletion_delay)
        user.deletion_at = deletion_at
        user.save(update_fields=["deletion_at"])
        record_change(user, Kind.DELETION_ASKED)
        for address in _addresses(user):
            emails.send_deletion_asked(user, address, deletion_at)
    return deletion_at


def require_staying(user: User) -> None:
    """Raise DeletionPending if `user`, who has just signed in completely, is to be deleted."""
    if user.deletion_at is not None:
        record_event(Kind.SIGN_IN_FAILED, user.pk, reason="deletion-pending")
        raise DeletionPending(in_utc(user.deletion_at), keep_token(user, user.deletion_at))


def keep_account(*, token: str) -> None:
    """Cancel the deletion that `token` names. Signs nobody in. Raises InvalidToken, SessionStoreUnavailable."""
    with transaction.atomic():
        user = read_keep_token(token)
        cancel_deletion(user)
        emails.send_account_kept(user)


def cancel_deletion(user: User) -> None:
    """Keep `user`, if it was to be deleted. Call inside a transaction that has locked the row."""
    if user.deletion_at is not None:
        user.deletion_at = None
        user.save(update_fields=["deletion_at"])
        record_change(user, Kind.KEPT)


def due_accounts() -> QuerySet[User]:
    """Return the accounts whose deletion is due. One that staff have deactivated waits until they activate it."""
    return User.objects.filter(deletion_at__lte=timezone.now(), is_active=True)


def erase_due_accounts() -> int:
    """Delete what is due, each account in a transaction of its own; return how many were deleted.

    May run several times at once, and again after it was stopped. Raises SessionStoreUnavailable.
    """
    erased, after = 0, None
    while pks := _next_due(after):
        erased += sum(_erase_if_due(pk) for pk in pks)
        after = pks[-1]
    return erased


def _next_due(after: Any) -> list[Any]:
    due = due_accounts().order_by("pk").values_list("pk", flat=True)
    return list((due.filter(pk__gt=after) if after else due)[:BATCH])


@transaction.atomic
def _erase_if_due(pk: Any) -> bool:
    """Judge again with the row locked: an account that was kept meanwhile stays."""
    user = due_accounts().select_for_update().filter(pk=pk).first()
    if user is not None:
        _erase(user)
    return user is not None


def _erase(user: User) -> None:
    """Delete a locked user and everything stored about them; every session is dead from the commit on."""
    user_id, addresses = str(user.pk), _addresses(user)
    user.delete()
    OutboxMail.objects.filter(to__iexact=user.email).delete()
    Invitation.objects.filter(email=user.email).delete()
    for address in addresses:
        emails.send_account_deleted(user, address)
    transaction.on_commit(lambda: _log.info("account.deleted", user=user_id))


def _addresses(user: User) -> set[str]:
    """Return whom to notify: recent former addresses, too, as an intruder may have changed it."""
    left = {act.old_address for act in live_acts(user) if act.kind == Act.Kind.ADDRESS}
    return {user.email, *left}


def _key(typed: str) -> str:
    try:
        return address_key(canonical_address(typed))
    except ValidationError:
        return ""

"""Exports and deletes the user's own account."""

from typing import Any

import structlog
from django.db import transaction

from auth_api.mail.models import OutboxMail
from auth_api.users import emails
from auth_api.users.acts import Act, live_acts
from auth_api.users.factors.devices import described_factors
from auth_api.users.invitations import Invitation
from auth_api.users.models import User

_log = structlog.get_logger("auth_api.users")


def export_account(*, user_id: str) -> dict[str, Any]:
    """Return what is stored about a user, but the password's hash."""
    user = User.objects.get(pk=user_id)
    last_login = user.last_login.isoformat() if user.last_login else None
    return {
        "user": user.public_profile() | {"last_login": last_login},
        "second_factors": described_factors(user.pk),
    }


def delete_account(*, user_id: str) -> None:
    """Delete a user and everything stored about them; every session is dead from the commit on.

    Raises SessionStoreUnavailable: then nothing is deleted.
    """
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user_id)
        email = user.email
        left = {act.old_address for act in live_acts(user) if act.kind == Act.Kind.ADDRESS}
        user.delete()
        OutboxMail.objects.filter(to__iexact=email).delete()
        Invitation.objects.filter(email=email).delete()
        for address in {email, *left}:  # an intruder may have changed it
            emails.send_account_deleted(address)
    _log.info("account.deleted", user=user_id)

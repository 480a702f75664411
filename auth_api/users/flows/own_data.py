"""Exports the user's own account."""

from typing import Any

from auth_api.users.factors.devices import described_factors
from auth_api.users.models import User


def export_account(*, user_id: str) -> dict[str, Any]:
    """Return what is stored about a user, but the password's hash."""
    user = User.objects.get(pk=user_id)
    last_login = user.last_login.isoformat() if user.last_login else None
    return {
        "user": user.public_profile() | {"last_login": last_login},
        "second_factors": described_factors(user.pk),
    }

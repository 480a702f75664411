"""The three keys by which django.contrib.auth stores the user in a session."""

from functools import cache
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.core.exceptions import ValidationError

from .exceptions import EndReason, SessionEnded


def login_data(user: Any) -> dict[str, Any]:
    """Return the session data of a signed-in `user`, as Django's `login()` would write it."""
    return {
        SESSION_KEY: user._meta.pk.value_to_string(user),
        BACKEND_SESSION_KEY: user_backend(),
        HASH_SESSION_KEY: user.get_session_auth_hash(),
    }


@cache
def user_backend() -> str:
    """The path of the one authentication backend."""
    path: str = settings.AUTHENTICATION_BACKENDS[0]
    return path


def user_of(data: dict[str, Any]) -> Any:
    """Return the user that session data holds, as the database has it now, or None.

    Raises SessionEnded when the user was ended, deactivated or is to be deleted since it was put there: Django's
    session auth hash is our epoch, so a login that lost a race with a password change stops here.
    """
    user_id = data.get(SESSION_KEY)
    if user_id is None:
        return None
    users = get_user_model()
    try:
        user = users._default_manager.filter(pk=user_id).first()
    except (ValidationError, ValueError):
        return None
    if user is None:
        return None
    if not user.may_have_sessions:
        raise SessionEnded(EndReason.INACTIVE)
    if data.get(HASH_SESSION_KEY, user.get_session_auth_hash()) != user.get_session_auth_hash():
        raise SessionEnded(EndReason.EPOCH)
    return user

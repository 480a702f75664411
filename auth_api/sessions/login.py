"""The three keys by which Django's contrib.auth knows the user of a session."""

from functools import cache
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY


def login_data(user: Any) -> dict[str, str]:
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

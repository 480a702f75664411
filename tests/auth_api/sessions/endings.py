"""Ends all sessions of a user in ways that the database knows."""

from typing import Any

from auth_api.sessions import services


def end_all(user: Any) -> None:
    services.end_all_sessions(user)


def change_the_password(user: Any) -> None:
    user.set_password("another quiet harbour at dawn")
    user.save()


def deactivate(user: Any) -> None:
    user.is_active = False
    user.save()

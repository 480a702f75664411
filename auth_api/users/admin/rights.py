"""Which accounts a member of the staff may change."""

from typing import cast

from django.db.models import QuerySet
from django.http import HttpRequest

from auth_api.users.models import User


def may_change(request: HttpRequest, user: User) -> bool:
    """Whether the account may be changed: by superusers always, by other staff only if it is not a staff account."""
    return actor(request).is_superuser or not (user.is_staff or user.is_superuser)


def changeable(request: HttpRequest, users: QuerySet[User]) -> QuerySet[User]:
    """Return those of `users` that actions change: as `may_change`, and never the actor's own account."""
    others = users.exclude(pk=actor(request).pk)
    if actor(request).is_superuser:
        return others
    return others.filter(is_staff=False, is_superuser=False)


def actor(request: HttpRequest) -> User:
    """Return who is signed in to the admin."""
    return cast(User, request.user)

"""Access for members of groups: a decorator for views, and a filter for templates."""

from collections.abc import Callable
from typing import Any, TypeVar

from frontend_site.errors import NoAccess, SignInRequired
from frontend_site.security.endpoints import for_views, guarded

V = TypeVar("V")


def group_required(*names: str) -> Callable[[V], V]:
    """Let only members of one of the groups `names` use a view, a function or a class.

    Others get a 403 that says whom to ask; a visitor who is not signed in is led to the login page.
    """
    if not names:
        raise ValueError("group_required needs the name of a group")

    return for_views(lambda view: guarded(view, lambda user: _require(user, names)))


def _require(user: Any, names: tuple[str, ...]) -> None:
    if not user.is_authenticated:
        raise SignInRequired("")
    if not any(map(user.in_group, names)):
        raise NoAccess(", ".join(names))


def in_group(user: Any, name: str) -> bool:
    """Whether `user`, of a template, is in a group: `{% if user|in_group:"editors" %}`."""
    check: Callable[[str], bool] | None = getattr(user, "in_group", None)
    return bool(check and check(name))

"""Access for members of groups: a decorator for views, and a filter for templates."""

from collections.abc import Awaitable, Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, TypeVar

from frontend_site.errors import NoAccess, SignInRequired
from frontend_site.security.endpoints import for_views

V = TypeVar("V")
View = Callable[..., Any]


def group_required(*names: str) -> Callable[[V], V]:
    """Let only members of one of the groups `names` use a view, a function or a class.

    Others get a 403 that says whom to ask; a visitor who is not signed in is led to the login page.
    """
    if not names:
        raise ValueError("group_required needs the name of a group")

    return for_views(_protected(names))


def _protected(names: tuple[str, ...]) -> Callable[[View], View]:
    def wrap(view: View) -> View:
        if iscoroutinefunction(view):
            return _wrapped_async(view, names)

        @wraps(view)
        def check(request: Any, *args: Any, **kwargs: Any) -> Any:
            _require(request.user, names)
            return view(request, *args, **kwargs)

        return check

    return wrap


def _wrapped_async(view: Callable[..., Awaitable[Any]], names: tuple[str, ...]) -> View:
    @wraps(view)
    async def check(request: Any, *args: Any, **kwargs: Any) -> Any:
        _require(await request.auser(), names)
        return await view(request, *args, **kwargs)

    return check


def _require(user: Any, names: tuple[str, ...]) -> None:
    if not user.is_authenticated:
        raise SignInRequired("")
    if not any(map(user.in_group, names)):
        raise NoAccess(", ".join(names))


def in_group(user: Any, name: str) -> bool:
    """Whether `user`, of a template, is in a group: `{% if user|in_group:"editors" %}`."""
    check: Callable[[str], bool] | None = getattr(user, "in_group", None)
    return bool(check and check(name))

"""What our two database backends have in common."""

from collections.abc import Callable
from typing import Any

from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper

from auth_api import deadline

from .limits import slot


class GuardedWrapper(BaseDatabaseWrapper):
    """For a backend's wrapper: statements run in a slot, and before the caller's deadline.

    A commit is refused after it. Commits and rollbacks need no slot: whoever has come that far is
    let out.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.execute_wrappers.append(_run_in_time)

    def connect(self) -> None:
        _require_time_left()
        with slot():
            super().connect()

    def is_usable(self) -> bool:
        try:
            with slot():
                return bool(super().is_usable())
        except OperationalError:  # it is not asked at all now
            return False

    def close_if_unusable_or_obsolete(self) -> None:
        """Django calls it between requests. After an error, connect anew instead of asking.

        The next request may need no database, and must not wait for one.
        """
        if self.connection is not None and self.errors_occurred and not self.in_atomic_block:
            self.close()
        super().close_if_unusable_or_obsolete()

    def commit(self) -> None:
        deadline.require_time()
        super().commit()


def _run_in_time(execute: Callable[..., Any], *statement: Any) -> Any:
    _require_time_left()
    with slot():
        return execute(*statement)


def _require_time_left() -> None:
    """Cheaper than `deadline.require_time`, which a statement does not need: only its commit lasts."""
    left = deadline.left()
    if left is not None and left <= 0:
        raise deadline.DeadlinePassed("the deadline has passed")

"""What tests put in place of a function to stage an outage."""

from typing import Any, NoReturn

from django.db import OperationalError

from auth_api.sessions.exceptions import SessionStoreUnavailable


def no_store(*_: Any, **__: Any) -> NoReturn:
    raise SessionStoreUnavailable("gone")


def no_database(*_: Any, **__: Any) -> NoReturn:
    raise OperationalError("locked")

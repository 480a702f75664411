"""The request that is being answered, for code that is not handed it: logs."""

from contextvars import ContextVar
from typing import Any

current_request: ContextVar[Any] = ContextVar("request", default=None)

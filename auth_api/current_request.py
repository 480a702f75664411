"""The request that is being answered, for code that is not handed it: logs, and the security log."""

from contextvars import ContextVar
from typing import TYPE_CHECKING, Optional

if TYPE_CHECKING:
    from auth_api.api_request import ApiRequest

current_request: ContextVar[Optional["ApiRequest"]] = ContextVar("request", default=None)

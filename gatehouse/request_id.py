"""The ID of a request, the same in the logs of frontend_site and auth_api."""

import os
import re
from contextvars import ContextVar
from typing import Any

_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}", re.ASCII)

# The request that is being answered, for code that is not handed it: logs, and the security log.
current_request: ContextVar[Any] = ContextVar("request", default=None)


def request_id_of(header: str) -> str:
    """Return what an X-Request-Id header says, or a new id if that is no id."""
    return header if _REQUEST_ID.fullmatch(header) else os.urandom(16).hex()

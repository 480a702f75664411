"""Stores which request an event belongs to, for code without a request (models, services)."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from auth_api.api_request import ApiRequest
from auth_api.network import wider_network_of
from auth_api.sessions.devices import device_name
from auth_api.sessions.store import SessionStore
from gatehouse.request_id import current_request

from .kinds import UserId

_ADMIN = "/admin/"
_why: ContextVar[str] = ContextVar("why", default="")
_VERSION = re.compile(r"(?<= )[0-9]+(?= |$)")  # browsers have a new one every month


@dataclass(frozen=True)
class Origin:
    """Where an event comes from. `by`: owner (or who holds the password), staff, or system.

    `actor` is the id of the member of the staff, and `why` the reason that they gave.
    """

    by: str
    address: str = ""
    device: str = ""
    request_id: str = ""
    actor: str = ""
    why: str = ""

    @property
    def place(self) -> str:
        """The kind of device and its network, coarse enough to be the same tomorrow (users/flows/devices.py)."""
        return f"{_VERSION.sub('', self.device)} {wider_network_of(self.address)}"


@contextmanager
def because(reason: str) -> Iterator[None]:
    """Store `reason` with all that the block records of what staff do to accounts."""
    token = _why.set(reason)
    try:
        yield
    finally:
        _why.reset(token)


def origin_of_event(user_id: UserId | None) -> Origin:
    """Return where an event of user `user_id` comes from now.

    For an action by staff on another account, the owner sees only that it was staff.
    """
    request = current_request.get()
    if request is None:
        return Origin("system")
    if _is_staff_acting(request, user_id):
        actor = str(request.user.pk)
        return Origin("staff", request_id=request.request_id, actor=actor, why=_why.get())
    return Origin(
        "owner",
        address=request.client_address,
        device=device_name(request.client_user_agent),
        request_id=request.request_id,
    )


def session_of_change() -> str:
    """Return the handle of the session that makes a change now; "" for a mailed link or a command."""
    session = _session()
    return session.handle if session else ""


def sign_in_of_change(user_id: UserId) -> str:
    """Return the id of the sign-in whose session is changing the account of `user_id`.

    "" for a mailed link, for a command, and for staff who change another account.
    """
    request = current_request.get()
    if request is None or _is_staff_acting(request, user_id):
        return ""
    session = _session()
    return session.sign_in_id if session else ""


def _session() -> SessionStore | None:
    """Return the session of the current request; None outside of requests, and before it has one."""
    session = getattr(current_request.get(), "session", None)
    return session if isinstance(session, SessionStore) else None


def _is_staff_acting(request: ApiRequest, user_id: UserId | None) -> bool:
    if not request.path_info.startswith(_ADMIN):  # elsewhere nobody acts for another
        return False
    actor = getattr(request, "user", None)
    return bool(actor and actor.is_authenticated and str(actor.pk) != str(user_id))

"""Changes of accounts, as the security log tells them; whoever makes them."""

from collections.abc import Mapping
from typing import Any

from auth_api.security_log.kinds import Kind
from auth_api.security_log.recording import record_change

RECORDED = frozenset(
    {"password", "email", "name", "is_active", "email_verified", "is_staff", "is_superuser"}
)
_KINDS = {
    "password": Kind.PASSWORD_CHANGED,
    "email": Kind.ADDRESS_CHANGED,
    "name": Kind.NAME_CHANGED,
}


def record_changes(user: Any, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Record what differs of `user`'s row. Call in the transaction that writes it.

    Until an address is verified anybody may register it anew; that is not yet somebody's account.
    """
    for name in sorted(RECORDED & after.keys()):
        if before.get(name) == after[name]:
            continue
        if name in ("password", "name") and not before.get("email_verified"):
            continue
        kind, reason = _told(name, after[name])
        record_change(user, kind, reason=reason)


def _told(name: str, value: Any) -> tuple[Kind, str]:
    match name, value:
        case "is_active", bool():
            return (Kind.ACTIVATED if value else Kind.DEACTIVATED), ""
        case "email_verified", True:
            return Kind.ADDRESS_VERIFIED, ""
    if name in _KINDS:
        return _KINDS[name], ""
    return Kind.RIGHTS_CHANGED, f"{name}={value}"

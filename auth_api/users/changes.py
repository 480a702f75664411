"""Changes of accounts, as the security log tells them; whoever makes them."""

from collections.abc import Mapping
from typing import Any

from auth_api.security_log.kinds import Kind
from auth_api.security_log.recording import record_change

from .addresses import address_key

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
        respelled = name == "email" and _is_respelled(before.get(name), after[name])
        if (name in ("password", "name") or respelled) and not before.get("email_verified"):
            continue
        kind, reason = _told(name, after[name])
        record_change(user, kind, reason=reason)


def _is_respelled(old: Any, new: Any) -> bool:
    both_known = isinstance(old, str) and isinstance(new, str)
    return both_known and address_key(old) == address_key(new)


def _told(name: str, value: Any) -> tuple[Kind, str]:
    match name, value:
        case "is_active", bool():
            return (Kind.ACTIVATED if value else Kind.DEACTIVATED), ""
        case "email_verified", True:
            return Kind.ADDRESS_VERIFIED, ""
    if name in _KINDS:
        return _KINDS[name], ""
    return Kind.RIGHTS_CHANGED, f"{name}={value}"

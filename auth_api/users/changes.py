"""Records changes of accounts in the security log, whatever code makes them."""

from collections.abc import Mapping
from typing import Any

from auth_api.security_log.kinds import Kind
from auth_api.security_log.origin import sign_in_of_change
from auth_api.security_log.recording import record_change

from .acts import Act, finalize_address_changes, record_act
from .addresses import address_key

RECORDED = frozenset(
    {"password", "email", "name", "is_active", "email_verified", "is_staff", "is_superuser"}
)
_ACTS = {"email": Act.Kind.ADDRESS, "name": Act.Kind.NAME, "password": Act.Kind.PASSWORD}
_KINDS = {
    "password": Kind.PASSWORD_CHANGED,
    "email": Kind.ADDRESS_CHANGED,
    "name": Kind.NAME_CHANGED,
}


def record_changes(
    user: Any, before: Mapping[str, Any], after: Mapping[str, Any], sign_in: str | None = None
) -> None:
    """Record the changed fields of `user`'s row. Call in the transaction that writes it.

    `sign_in`: the id of the sign-in that made the change; None means that of the current request's
    session. Changes before the address is verified are not recorded: anyone may register it again.
    """
    actor = sign_in_of_change(user.pk) if sign_in is None else sign_in
    for name in sorted(RECORDED & after.keys()):
        if before.get(name) == after[name]:
            continue
        respelled = name == "email" and _is_respelled(before.get(name), after[name])
        if (name in ("password", "name") or respelled) and not before.get("email_verified"):
            continue
        kind, reason = _kind_and_reason(name, after[name])
        record_change(user, kind, reason=reason)
        if actor and name in _ACTS:
            record_act(user, _ACTS[name], sign_in=actor, **_undo(name, before, after))
        if name == "email":
            finalize_address_changes(user, after["email"], by_staff=sign_in is None and not actor)


def _undo(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    match name:
        case "email":
            return {"old_address": before["email"], "new_address": after["email"]}
        case "name":
            return {"old_name": before["name"]}
    return {}  # a password is not restored


def _is_respelled(old: Any, new: Any) -> bool:
    both_known = isinstance(old, str) and isinstance(new, str)
    return both_known and address_key(old) == address_key(new)


def _kind_and_reason(name: str, value: Any) -> tuple[Kind, str]:
    match name, value:
        case "is_active", bool():
            return (Kind.ACTIVATED if value else Kind.DEACTIVATED), ""
        case "email_verified", True:
            return Kind.ADDRESS_VERIFIED, ""
    if name in _KINDS:
        return _KINDS[name], ""
    return Kind.RIGHTS_CHANGED, f"{name}={value}"

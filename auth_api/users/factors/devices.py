"""Lists and renames the authenticator apps of an account."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from auth_api.api_request import ApiRequest
from auth_api.errors import FactorNotFound, InvalidRequest
from auth_api.security_log.kinds import Kind
from auth_api.security_log.recording import record_change
from auth_api.sessions import services as sessions
from auth_api.throttling import Change
from auth_api.users.allowances import change_allowance
from auth_api.users.factor_models import NAME_LENGTH
from auth_api.users.models import TotpDevice
from auth_api.users.names import validate_name

from .demands import locked_owner


def devices_in_use(user_id: Any) -> list[TotpDevice]:
    """Return the devices that count, oldest first."""
    return list(TotpDevice.objects.in_use().filter(user_id=user_id))


def described_factors(user_id: Any) -> list[dict[str, Any]]:
    """Return the account's second factors without their secrets, for the owner's export."""
    return [
        {"type": "totp", "name": device.name, "added_at": device.created_at.isoformat()}
        for device in devices_in_use(user_id)
    ]


def rename_totp(*, request: ApiRequest, device_id: str, name: str) -> None:
    """Rename a device. Raises FactorNotFound, InvalidRequest, Throttled, and what `locked_owner` raises."""
    user_id = sessions.current_session(request).user["id"]
    name = good_name(name)
    with change_allowance(user_id, Change.APP_NAME), transaction.atomic():
        user = locked_owner(request)
        if not user.totp_devices.in_use().filter(pk=device_id).update(name=name):
            raise FactorNotFound
        record_change(user, Kind.FACTOR_RENAMED, reason=name)


def good_name(name: str) -> str:
    """Return the name for a device, a usual one for "". Raises InvalidRequest."""
    name = name.strip() or "Authenticator app"
    try:
        validate_name(name)
    except ValidationError as error:
        raise InvalidRequest({"name": error.messages}) from None
    if len(name) > NAME_LENGTH:
        raise InvalidRequest({"name": [f"Use at most {NAME_LENGTH} characters."]})
    return name

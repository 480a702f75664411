"""Makes sets of recovery codes, which count once one of them has been typed."""

from typing import Any

from django.db import transaction

from auth_api.api_request import ApiRequest
from auth_api.errors import FactorNotFound, InvalidCode
from auth_api.options import options
from auth_api.security_log.kinds import Kind
from auth_api.security_log.recording import record_change
from auth_api.sessions import services as sessions
from auth_api.throttling import Change
from auth_api.users import emails
from auth_api.users.allowances import change_allowance
from auth_api.users.models import RecoveryCode

from .demands import locked_owner
from .recovery_codes import HOW_MANY, new_code, shown_code, typed_code
from .sealing import code_hash


def recovery_codes_left(user_id: Any) -> int:
    """Return how many recovery codes the account has."""
    return RecoveryCode.objects.filter(user_id=user_id, confirmed=True).count()


def make_recovery_codes(*, request: ApiRequest) -> list[str]:
    """Return new recovery codes, which replace the current ones once one of them is typed.

    Raises FactorNotFound without a device, for which the codes stand in, Throttled, and what `locked_owner` raises.
    """
    current = sessions.current_session(request)
    codes = [new_code() for _ in range(HOW_MANY)]
    key = options().factor_keys[0]
    with change_allowance(current.user["id"], Change.RECOVERY_CODES), transaction.atomic():
        user = locked_owner(request)
        if not user.has_second_factor:
            raise FactorNotFound
        user.recovery_codes.filter(confirmed=False).delete()
        RecoveryCode.objects.bulk_create(
            RecoveryCode(user=user, hash=code_hash(code, user.pk, key), added_by=current.sign_in_id)
            for code in codes
        )
    return [shown_code(code) for code in codes]


def confirm_recovery_codes(*, request: ApiRequest, code: str) -> None:
    """Put the set of which `code` is one in force, if this sign-in made it. Uses none up.

    Raises InvalidCode, and what `locked_owner` raises.
    """
    sign_in = sessions.current_session(request).sign_in_id
    with transaction.atomic():
        user = locked_owner(request)
        hashes = [code_hash(typed_code(code), user.pk, key) for key in options().factor_keys]
        made = user.recovery_codes.filter(confirmed=False, added_by=sign_in)
        if not typed_code(code) or not made.filter(hash__in=hashes).exists():
            raise InvalidCode
        user.recovery_codes.filter(confirmed=True).delete()
        made.update(confirmed=True)
        record_change(user, Kind.RECOVERY_CODES_MADE)
        emails.send_recovery_codes_made(user)

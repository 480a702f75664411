"""What important changes require of a session, besides being valid."""

from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from auth_api.api_request import ApiRequest
from auth_api.errors import RecoveryHold, StepUpRequired
from auth_api.security_log.kinds import Kind
from auth_api.security_log.models import SecurityEvent
from auth_api.sessions import services as sessions
from auth_api.sessions.assurance import AAL2, SECOND_FACTOR_AGE
from auth_api.sessions.exceptions import EndReason, SessionEnded
from auth_api.users.models import User

from .checking import RECOVERY, TOTP

HOLD = timedelta(hours=24)


def require_sudo(request: ApiRequest) -> None:
    """Raise unless the user authenticated a short time ago, with the second factor if the account has one.

    A password alone opens no important act of an account with a second factor, also in a session that is
    older than the factor. Raises StepUpRequired, and what `require_recent_authentication` raises.
    """
    user = User.objects.get(pk=sessions.current_session(request).user["id"])
    require_second_factor(request, user)
    sessions.require_recent_authentication(request)


def locked_user(request: ApiRequest) -> User:
    """Lock and return the user of the session. Raises SessionEnded if all of the user's sessions were ended meanwhile.

    Call inside a transaction, before anything is read that the change depends on: a request that waited for
    the lock of "this was not me" must not change the account after it.
    """
    current = sessions.current_session(request)
    user = User.objects.select_for_update().filter(pk=current.user["id"]).first()
    if user is None or user.session_epoch != current.epoch:
        raise SessionEnded(EndReason.EPOCH)
    return user


def locked_owner(request: ApiRequest) -> User:
    """Like `locked_user`, and also raise StepUpRequired if the account has got a second factor meanwhile.

    `require_sudo` read a row that was not locked. Of parallel requests that have shown only the password, one
    may add the first app; the others would add theirs beside it.
    """
    user = locked_user(request)
    require_second_factor(request, user)
    return user


def require_second_factor(request: ApiRequest, user: User) -> None:
    """Raise StepUpRequired if `user` has a second factor, and this session is below AAL2."""
    if user.has_second_factor and lacks_second_factor(request, user):
        raise StepUpRequired([TOTP, RECOVERY], SECOND_FACTOR_AGE)


def lacks_second_factor(request: HttpRequest, user: Any) -> bool:
    """Whether `user` needs a second factor in the admin, and this session is below AAL2.

    Whoever has one needs it, and others if the policy says so (factor_policy.py), without days of grace.
    """
    if user.required_step(grace=False) is None:
        return False
    return sessions.current_assurance(request).acr != AAL2


def require_no_hold(user_id: Any) -> None:
    """Raise RecoveryHold in the day after a recovery code was used, which may have been stolen."""
    if until := hold_ends_at(user_id):
        raise RecoveryHold(int((until - timezone.now()).total_seconds()) + 1)


def hold_ends_at(user_id: Any) -> datetime | None:
    """Return until when `require_no_hold` refuses; None if it does not."""
    uses = SecurityEvent.objects.filter(user_id=user_id, kind=Kind.RECOVERY_CODE_USED)
    last = uses.filter(at__gt=timezone.now() - HOLD).first()  # newest first
    return last.at + HOLD if last else None

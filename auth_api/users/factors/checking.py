"""Checks codes, under one throttle for the site, the API and the admin. An accepted code is used up."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import structlog
from django.db import transaction
from django.utils import timezone

from auth_api.code_throttling import CodeThrottle
from auth_api.errors import FactorUnreadable, InvalidCode, Throttled
from auth_api.options import options
from auth_api.security_log.kinds import Kind
from auth_api.security_log.recording import record_change, record_event
from auth_api.sessions.exceptions import SessionStoreUnavailable
from auth_api.throttling import Purpose
from auth_api.tries import NOT_JUDGED
from auth_api.users import emails
from auth_api.users.allowances import has_mail_allowance
from auth_api.users.models import TotpDevice, User

from .recovery_codes import typed_code
from .sealing import SealedByUnknownKey, code_hash, open_secret
from .totp import DIGITS, drift_of, matching_step

TOTP, RECOVERY = "totp", "recovery"
# As session records and `amr` name them (sessions/records.py).
METHODS = {TOTP: "otp", RECOVERY: "recovery"}
_log = structlog.get_logger("auth_api.users")


def method_of(code: str) -> str:
    """Return the method of a typed code: few digits are an app's, anything else is a recovery code."""
    typed = code.replace(" ", "").replace("-", "")
    return TOTP if typed.isdecimal() and len(typed) <= DIGITS else RECOVERY


def check_code(user: User, method: str, code: str) -> None:
    """Use up `code` of `user`, a key of METHODS by `method`.

    Raises InvalidCode, Throttled, FactorUnreadable, SessionStoreUnavailable; of these, only InvalidCode has judged it.
    """
    throttle = CodeThrottle(str(user.pk), guessable=method != RECOVERY)
    _count_try(throttle, user)
    with _given_back_if_unjudged(throttle):
        accepted = _use_recovery_code(user, code) if method == RECOVERY else _use_totp(user, code)
    if not accepted:
        with suppress(SessionStoreUnavailable):  # it is judged: the try must not be given back
            throttle.fail()
        raise InvalidCode


def forget_wrong_codes(user: User) -> None:
    """Forget the wrong codes of an account, after a whole sign-in. Never raises: that is done."""
    with suppress(SessionStoreUnavailable):
        CodeThrottle(str(user.pk)).clear()


def refused_code(user: User) -> None:
    """Record that somebody with the right password typed a wrong code, and tell the owner (ASVS 6.3.5)."""
    record_event(Kind.CODE_REFUSED, user.pk)
    if has_mail_allowance(user.email, Purpose.CODE_REFUSED):
        with transaction.atomic():
            emails.send_code_refused(user)


def use_code_of(device: TotpDevice, code: str) -> bool:
    """Whether `code` is one of `device` that was not used yet; it is used from here on.

    The update decides, so that of parallel calls with one code a single one returns True. Raises
    FactorUnreadable if none of our keys opens the device's secret.
    """
    moment = time.time()
    try:
        secret = open_secret(
            bytes(device.sealed_secret), user_id=device.user_id, device_id=device.pk
        )
    except SealedByUnknownKey:
        hint = "Check GATEHOUSE_FACTOR_KEYS: a key may be missing."
        _log.error("factor.unreadable", device=device.pk, user=str(device.user_id), hint=hint)
        raise FactorUnreadable from None
    step = matching_step(secret, code, moment=moment, drift=device.drift)
    if step is None:
        return False
    unused = TotpDevice.objects.filter(pk=device.pk, last_step__lt=step)
    values = {"last_step": step, "drift": drift_of(step, moment), "used_at": timezone.now()}
    return bool(unused.update(**values))  # one statement needs no transaction


def _use_totp(user: User, code: str) -> bool:
    """Raise FactorUnreadable if the code may be of a device that nobody can read now."""
    devices = TotpDevice.objects.in_use().filter(user=user)
    accepted, unreadable = False, False
    for device in devices:
        try:
            accepted |= use_code_of(device, code)
        except FactorUnreadable:
            unreadable = True
    if unreadable and not accepted:
        raise FactorUnreadable
    return accepted


def _use_recovery_code(user: User, text: str) -> bool:
    """Delete the code: of parallel calls, the one whose statement deletes the row has used it."""
    code = typed_code(text)
    if not code:
        return False
    hashes = [code_hash(code, user.pk, key) for key in options().factor_keys]
    with transaction.atomic():
        used, _ = user.recovery_codes.filter(hash__in=hashes, confirmed=True).delete()
        if not used:
            return False
        record_change(user, Kind.RECOVERY_CODE_USED)
        left = user.recovery_codes.filter(confirmed=True).count()
        emails.send_recovery_code_used(user, left)
    return True


def _count_try(throttle: CodeThrottle, user: User) -> None:
    try:
        throttle.hit()
    except Throttled as error:
        record_event(Kind.CODES_THROTTLED, user.pk, retry_after=error.retry_after)
        raise


@contextmanager
def _given_back_if_unjudged(throttle: CodeThrottle) -> Iterator[None]:
    try:
        yield
    except NOT_JUDGED:
        throttle.give_back()
        raise

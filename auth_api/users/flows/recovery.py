"""Lets an owner recover an account from an intruder, using only e-mailed links.

There are two such links: "this was not me" for a sign-in, and "restore my address" for a former
address. Control of the mailbox that a link was sent to outranks the session and the password.
"""

from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from auth_api.errors import InvalidToken
from auth_api.options import options
from auth_api.security_log.kinds import Kind
from auth_api.security_log.models import SecurityEvent
from auth_api.security_log.recording import record_change
from auth_api.users import emails
from auth_api.users.acts import (
    Act,
    is_dealt_with,
    live_acts,
    mark_undone,
    record_act,
    was_taken_back,
)
from auth_api.users.addresses import address_key
from auth_api.users.factors.undoing import Suspects, has_changes, undo_changes
from auth_api.users.flows.deletion import cancel_deletion
from auth_api.users.flows.devices import NEW_DEVICE
from auth_api.users.flows.registration import remove_registration
from auth_api.users.models import User
from auth_api.users.tokens import read_disown_token, read_restore_token

_log = structlog.get_logger("auth_api.users")


def disown_sign_in(*, token: str) -> None:
    """Handle the owner's mailed statement that a sign-in was not theirs.

    Ends every session, undoes changes made from this and other new places, makes the password
    unusable (the intruder knows it), and mails a link to set a new one. If another account has the
    former address by now, deactivates the account: only staff can tell who owns it. Raises
    InvalidToken, SessionStoreUnavailable: then nothing is done.
    """
    with transaction.atomic():
        user, sign_in, email = read_disown_token(token)
        event = user.security_events.filter(pk=sign_in, kind=Kind.SIGNED_IN).first()
        if event is None or was_taken_back(user, email):
            raise InvalidToken
        suspects = _suspects(user, event)
        # A reset, or a restored address, leaves the apps as an intruder has made them: they would keep the owner out.
        is_over = is_dealt_with(user, email=email, event=event.pk)
        if is_over and not has_changes(user, suspects):
            raise InvalidToken
        _undo_changes(user, email, suspects)
        user.security_events.filter(kind=Kind.SIGNED_IN, place=event.place).update(place="")
        done = record_change(user, Kind.DISOWNED)
        record_act(user, Act.Kind.DISOWNED, mailed_to=email, event=done.pk)


def restore_address(*, token: str) -> None:
    """Restore the former address of an account, with the link in the notice of the change.

    Ends every session, makes the password unusable and mails a link to set a new one: the intruder
    who changed the address knows the password. Raises InvalidToken, SessionStoreUnavailable: then nothing is done.
    """
    with transaction.atomic():
        user, act_id = read_restore_token(token)
        act = next((act for act in live_acts(user) if act.pk == act_id), None)
        if act is None or not _restore_address(user, act):
            raise InvalidToken
        _close(user)
        done = record_change(user, Kind.ADDRESS_RESTORED)
        record_act(user, Act.Kind.RESTORED, mailed_to=act.old_address, event=done.pk)


def _suspects(user: User, event: SecurityEvent) -> Suspects:
    """Return whose changes are suspicious when the sign-in `event` is disowned.

    Known sign-ins are presumably the owner's. They come from places other than that of the disowned sign-in, and
    other than those that were new within the lifetime of its link: an intruder may have used several new places.
    """
    sign_ins = user.security_events.filter(kind=Kind.SIGNED_IN)
    new = sign_ins.filter(reason__endswith=NEW_DEVICE, at__gt=_since())
    places = {"", event.place, *new.values_list("place", flat=True)}  # "": disowned earlier
    known = sign_ins.exclude(place__in=places)
    before = sign_ins.filter(pk__lt=event.pk)
    return Suspects(_handles(known), _handles(before), _since())


def _handles(sign_ins: QuerySet[SecurityEvent]) -> set[str]:
    return set(sign_ins.values_list("handle", flat=True))


def _since() -> datetime:
    """Return since when sign-ins can be disowned."""
    return timezone.now() - timedelta(seconds=options().disown_lifetime)


def _undo_changes(user: User, email: str, suspects: Suspects) -> None:
    """Undo changes by unknown sign-ins made since the account had the address `email` of the link."""
    known = suspects.known
    acts = live_acts(user)
    left = (a for a in acts if a.kind == Act.Kind.ADDRESS and _is_same(a.old_address, email))
    first = next(left, None)
    since = [a for a in acts if first and a.kind == Act.Kind.ADDRESS and a.pk >= first.pk]
    returned = True
    if first is not None and any(act.sign_in not in known for act in since):
        returned = _restore_address(user, first)
    names = [act for act in acts if act.kind == Act.Kind.NAME]
    if names and names[-1].sign_in not in known:  # keep a name that the owner set later
        renamed = next(act for act in names if act.sign_in not in known)
        user.name = renamed.old_name
        mark_undone([act for act in names if act.pk >= renamed.pk])
    undo_changes(user, suspects)
    if not returned:  # its address may be the intruder's: only staff can tell
        user.is_active = False
    _close(user, mail_reset=returned)


def _is_same(one: str, other: str) -> bool:
    return address_key(one) == address_key(other)


def _restore_address(user: User, act: Act) -> bool:
    """Restore the address that `act` replaced; return False if another account has it now.

    This undoes every later change of address, too: each was made by a sign-in at an address that the
    account had only through `act`.
    """
    replaced = user.email
    remove_registration(act.old_address)
    try:
        with transaction.atomic():
            user.email, user.email_verified = act.old_address, True
            user.save(sign_in="")
    except IntegrityError:
        user.refresh_from_db()
        _log.error("address.not_restored", user=str(user.pk), cause="another account has it")
        return False
    emails.send_address_restored(replaced, act.old_address)
    return True


def _close(user: Any, *, mail_reset: bool = True) -> None:
    """Disable the password, which also ends every session, and keep an account that was to be deleted."""
    user.set_unusable_password()
    cancel_deletion(user)  # an intruder may have asked for it
    user.save(sign_in="")
    if mail_reset:  # otherwise the present address may be the intruder's
        emails.send_reset(user)
